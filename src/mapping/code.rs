//! Code lists of mappings: the canonical code of a concept and its counterparts in each standard, from
//! `mappings/code/<list>.yaml`: under `codes` a row is `canonical: { x12: "A B", edifact: "C" }`, of several codes the
//! first is written and all are read; under `elements` the code list of each standard that the codes are of, under `later`
//! those codes that only newer versions of that list have. `vital: true` says of a list that a value whose code cannot
//! be written must not go without: a quantity without its unit is another quantity. `mappings/like.yaml` says which standards
//! take the codes of another where a row has none for them.

use super::words::Words;
use crate::entity::Text;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// One list.
#[derive(Debug, Default)]
pub struct CodeList {
    /// The element, by standard, whose code list the codes are of.
    elements: BTreeMap<String, String>,
    /// A code that cannot be written is an error and no loss.
    is_vital: bool,
    /// Codes, by standard, that its oldest version here does not have.
    later: BTreeMap<String, Vec<Text>>,
    /// Canonical code and, by standard, its codes with the preferred one first.
    rows: Vec<(Text, BTreeMap<String, Vec<Text>>)>,
    /// By standard, the row of each of its codes: one that prefers the code goes before one that only also reads it.
    by_code: Vec<(String, Words)>,
    /// The row of each canonical code.
    by_canonical: Words,
}

impl CodeList {
    fn new(
        elements: BTreeMap<String, String>,
        later: BTreeMap<String, Vec<Text>>,
        rows: Vec<(Text, BTreeMap<String, Vec<Text>>)>,
    ) -> Self {
        let by_canonical = Words::new(rows.iter().map(|(canonical, _)| canonical.as_str()).zip(0..));
        let standards: BTreeSet<&String> = rows.iter().flat_map(|(_, standards)| standards.keys()).collect();
        let codes_of = |standard: &String| {
            let codes = |(_, standards): &'_ (Text, BTreeMap<String, Vec<Text>>)| standards.get(standard).cloned();
            let rows: Vec<Vec<Text>> = rows.iter().map(|row| codes(row).unwrap_or_default()).collect();
            let preferred = rows.iter().zip(0..).filter_map(|(codes, row)| Some((codes.first()?.as_str(), row)));
            let others =
                rows.iter().zip(0..).flat_map(|(codes, row)| codes.iter().map(move |code| (code.as_str(), row)));
            Words::new(preferred.chain(others))
        };
        let by_code = standards.into_iter().map(|standard| (standard.clone(), codes_of(standard))).collect();
        CodeList { elements, is_vital: false, later, by_code, by_canonical, rows }
    }
}

/// All lists, each read when first asked for.
#[derive(Debug)]
pub struct Codes {
    overlay: Option<PathBuf>,
    lists: Vec<OnceLock<CodeList>>,
    /// Standards, and those whose codes they take.
    like: Vec<(String, String)>,
    /// The list of each name.
    names: Words,
}

/// What a list that is not there says.
static NONE: CodeList = CodeList {
    elements: BTreeMap::new(),
    is_vital: false,
    later: BTreeMap::new(),
    rows: Vec::new(),
    by_code: Vec::new(),
    by_canonical: Words::NONE,
};

impl Codes {
    /// The packed lists; those under `overlay/code` go before them.
    #[must_use]
    pub fn new(overlay: Option<&Path>) -> Self {
        let own = overlay.and_then(|folder| std::fs::read_dir(folder.join("code")).ok());
        let own = own.into_iter().flatten().filter_map(|file| file.ok()?.file_name().into_string().ok());
        let own = own.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned));
        let names: BTreeSet<String> = Codes::names().into_iter().chain(own).collect();
        let lists = names.iter().map(|_| OnceLock::new()).collect();
        let names = Words::new(names.iter().map(String::as_str).zip(0..));
        let like = crate::yaml::document(&super::file(overlay, "like.yaml").unwrap_or_default());
        let like = like.map(|node| node.to_json()).unwrap_or_default();
        let like = like.as_object().into_iter().flatten();
        let like = like.filter_map(|(own, other)| Some((own.clone(), other.as_str()?.to_owned()))).collect();
        Codes { overlay: overlay.map(Path::to_owned), lists, like, names }
    }

    fn list(&self, name: &str) -> &CodeList {
        let Some(list) = self.names.find(name).and_then(|at| self.lists.get(at)) else { return &NONE };
        list.get_or_init(|| {
            let text = super::file(self.overlay.as_deref(), &format!("code/{name}.yaml"));
            parse(&text.unwrap_or_default(), &self.like)
        })
    }

    /// The canonical code of a standard's code.
    #[must_use]
    pub fn canonical(&self, list: &str, standard: &str, code: &str) -> Option<Text> {
        let list = self.list(list);
        let (_, words) = list.by_code.iter().find(|(own, _)| own == standard)?;
        Some(list.rows[words.find(code)?].0.clone())
    }

    /// The code that is written for a canonical one.
    #[must_use]
    pub fn preferred(&self, list: &str, standard: &str, canonical: &str) -> Option<Text> {
        let list = self.list(list);
        let row = list.by_canonical.find(canonical)?;
        list.rows[row].1.get(standard)?.first().cloned()
    }

    /// The canonical codes that a standard can carry and bring back unchanged.
    #[must_use]
    pub fn canonicals(&self, list: &str, standard: &str) -> Vec<Text> {
        let rows = self.list(list);
        let names = rows.rows.iter().map(|(canonical, _)| canonical.clone());
        let returns = |canonical: &Text| {
            let code = self.preferred(list, standard, canonical);
            code.and_then(|code| self.canonical(list, standard, &code)).as_ref() == Some(canonical)
        };
        names.filter(returns).collect()
    }

    /// Whether a code of the list that cannot be written is an error and no loss.
    #[must_use]
    pub fn is_vital(&self, list: &str) -> bool {
        self.list(list).is_vital
    }

    /// The names of the packed lists.
    #[must_use]
    pub fn names() -> Vec<String> {
        let files = super::PACKED.get_dir("code").into_iter().flat_map(include_dir::Dir::files);
        let stems = files.filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()));
        stems.collect()
    }

    /// A standard's codes in a list that all its versions have, and the element whose code list they are of.
    #[must_use]
    pub fn of_standard(&self, list: &str, standard: &str) -> (Option<String>, Vec<Text>) {
        let list = self.list(list);
        let codes = list.rows.iter().filter_map(|(_, codes)| codes.get(standard)).flatten();
        let is_later = |code: &&Text| list.later.get(standard).is_some_and(|later| later.contains(code));
        (list.elements.get(standard).cloned(), codes.filter(|code| !is_later(code)).cloned().collect())
    }

    /// Canonical codes that a standard has no code for, and pairs that fall together when written.
    #[must_use]
    pub fn losses(&self, list: &str, standard: &str) -> (Vec<Text>, Vec<(Text, Text)>) {
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

fn parse(text: &str, like: &[(String, String)]) -> CodeList {
    // The packed lists are tested; a malformed overlay gives an empty list, and every code then shows as unmapped.
    let file = crate::yaml::document(text).map(|node| node.to_json()).unwrap_or_default();
    let codes = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.split_whitespace().map(Text::from).collect::<Vec<_>>()
    };
    let closed: Vec<&str> = file["closed"].as_str().unwrap_or_default().split(' ').collect();
    let rows = file["codes"].as_object().into_iter().flatten().map(|(canonical, standards)| {
        let standards = standards.as_object().into_iter().flatten();
        let mut own: BTreeMap<_, _> = standards.map(|(standard, value)| (standard.clone(), codes(value))).collect();
        for (standard, other) in like.iter().filter(|(standard, _)| !closed.contains(&standard.as_str())) {
            if let (None, Some(codes)) = (own.get(standard), own.get(other).cloned()) {
                own.insert(standard.clone(), codes);
            }
        }
        (canonical.as_str().into(), own)
    });
    let later = file["later"].as_object().into_iter().flatten();
    let later = later.map(|(standard, value)| (standard.clone(), codes(value))).collect();
    let elements = file["elements"].as_object().into_iter().flatten();
    let elements = elements.filter_map(|(standard, element)| Some((standard.clone(), element.as_str()?.to_owned())));
    let list = CodeList::new(elements.collect(), later, rows.collect());
    CodeList { is_vital: file["vital"] == "true", ..list }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packed_list_is_read() {
        for name in Codes::names() {
            let text = super::super::file(None, &format!("code/{name}.yaml")).expect("packed");
            let read =
                crate::yaml::document(&text).map(|node| node.to_json()["codes"].as_object().map_or(0, |all| all.len()));
            assert!(matches!(read, Ok(1..)), "mappings/code/{name}.yaml: {read:?}");
        }
    }

    #[test]
    fn standards_that_take_codes_of_others_are_known() {
        let known: BTreeSet<String> =
            super::super::Mappings::new(None).list().into_iter().map(|[one, ..]| one).collect();
        let codes = Codes::new(None);
        assert!(!codes.like.is_empty(), "mappings/like.yaml says nothing");
        for (own, other) in &codes.like {
            assert!(known.contains(own) && known.contains(other), "mappings/like.yaml: {own}: {other}");
        }
        for name in Codes::names() {
            let text = super::super::file(None, &format!("code/{name}.yaml")).expect("packed");
            let file = crate::yaml::document(&text).expect("YAML").to_json();
            for closed in file["closed"].as_str().into_iter().flat_map(str::split_whitespace) {
                assert!(codes.like.iter().any(|(own, _)| own == closed), "mappings/code/{name}.yaml: closed: {closed}");
            }
        }
    }
}
