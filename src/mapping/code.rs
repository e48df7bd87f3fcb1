//! Code lists of mappings: the canonical code of a concept and its counterparts in each standard, from
//! `mappings/code/<list>.yaml`: under `codes` a row is `canonical: { x12: "A B", edifact: "C" }`, of several codes the
//! first is written and all are read; under `elements` the code list of each standard that the codes are of. Codes that
//! only later versions of a standard have stand under `edifact_later`: they are read and never written.

use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// One list.
#[derive(Debug, Default)]
pub struct CodeList {
    /// The element, by standard, whose code list the codes are of.
    elements: HashMap<String, String>,
    /// Canonical code and, by standard, its codes with the preferred one first.
    rows: Vec<(String, HashMap<String, Vec<String>>)>,
}

/// All lists, read when first asked for.
#[derive(Debug)]
pub struct Codes {
    overlay: Option<PathBuf>,
    lists: Mutex<HashMap<String, Arc<CodeList>>>,
}

impl Codes {
    /// The packed lists; those under `overlay/code` go before them.
    #[must_use]
    pub fn new(overlay: Option<&Path>) -> Self {
        Codes { overlay: overlay.map(Path::to_owned), lists: Mutex::default() }
    }

    fn list(&self, name: &str) -> Arc<CodeList> {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || {
            let text = super::file(self.overlay.as_deref(), &format!("code/{name}.yaml")).unwrap_or_default();
            Arc::new(parse(&text))
        };
        lists.entry(name.to_owned()).or_insert_with(read).clone()
    }

    /// The canonical code of a standard's code.
    #[must_use]
    pub fn canonical(&self, list: &str, standard: &str, code: &str) -> Option<String> {
        let list = self.list(list);
        let later = format!("{standard}_later");
        let has = |codes: &HashMap<String, Vec<String>>| {
            [standard, &later].iter().filter_map(|one| codes.get(*one)).flatten().any(|one| one == code)
        };
        // A row that prefers the code goes before one that only also reads it.
        let first = list
            .rows
            .iter()
            .find(|(_, codes)| codes.get(standard).and_then(|all| all.first()).is_some_and(|one| one == code));
        first.or_else(|| list.rows.iter().find(|(_, codes)| has(codes))).map(|(canonical, _)| canonical.clone())
    }

    /// The code that is written for a canonical one.
    #[must_use]
    pub fn preferred(&self, list: &str, standard: &str, canonical: &str) -> Option<String> {
        let list = self.list(list);
        let (_, codes) = list.rows.iter().find(|(one, _)| one == canonical)?;
        codes.get(standard)?.first().cloned()
    }

    /// The canonical codes that a standard can carry and bring back unchanged.
    #[must_use]
    pub fn canonicals(&self, list: &str, standard: &str) -> Vec<String> {
        let rows = self.list(list);
        let names = rows.rows.iter().map(|(canonical, _)| canonical.clone());
        let returns = |canonical: &String| {
            let code = self.preferred(list, standard, canonical);
            code.and_then(|code| self.canonical(list, standard, &code)).as_ref() == Some(canonical)
        };
        names.filter(returns).collect()
    }

    /// The names of the packed lists.
    #[must_use]
    pub fn names() -> Vec<String> {
        let files = super::PACKED.get_dir("code").into_iter().flat_map(include_dir::Dir::files);
        let stems = files.filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()));
        stems.collect()
    }

    /// All of a standard's codes in a list, and the element whose code list they are of.
    #[must_use]
    pub fn of_standard(&self, list: &str, standard: &str) -> (Option<String>, Vec<String>) {
        let list = self.list(list);
        let codes = list.rows.iter().filter_map(|(_, codes)| codes.get(standard)).flatten().cloned();
        (list.elements.get(standard).cloned(), codes.collect())
    }

    /// Canonical codes that a standard has no code for, and pairs that fall together when written.
    #[must_use]
    pub fn losses(&self, list: &str, standard: &str) -> (Vec<String>, Vec<(String, String)>) {
        let rows = self.list(list);
        let (mut unmapped, mut merged) = (Vec::new(), Vec::new());
        for (canonical, _) in &rows.rows {
            match self.preferred(list, standard, canonical) {
                None => unmapped.push(canonical.clone()),
                Some(code) => match self.canonical(list, standard, &code) {
                    Some(other) if other != *canonical => merged.push((canonical.clone(), other)),
                    _ => {}
                },
            }
        }
        (unmapped, merged)
    }
}

fn parse(text: &str) -> CodeList {
    // The packed lists are tested; a malformed overlay gives an empty list, and every code then shows as unmapped.
    let file = crate::yaml::document(text).map(|node| node.to_json()).unwrap_or_default();
    let codes = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let rows = file["codes"].as_object().into_iter().flatten().map(|(canonical, standards)| {
        let standards = standards.as_object().into_iter().flatten();
        (canonical.clone(), standards.map(|(standard, value)| (standard.clone(), codes(value))).collect())
    });
    let elements = file["elements"].as_object().into_iter().flatten();
    let elements = elements.filter_map(|(standard, element)| Some((standard.clone(), element.as_str()?.to_owned())));
    CodeList { elements: elements.collect(), rows: rows.collect() }
}
