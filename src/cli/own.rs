//! A partner's own mapping and lookup tables for the offline commands: the same files that `apply` takes.

use crate::engine::Means;
use crate::engine::Rules;
use crate::engine::map::Target;
use crate::inherit::Override;
use crate::mapping::Mapping;
use crate::partner::{Resource, Split, attach, beside, parse, rows_files};
use crate::pipeline::configured::unfit;
use crate::pipeline::explain::Cutting;
use crate::standard::definition::Document;
use crate::table::{Table, Tables};
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What the files say.
#[derive(Default)]
pub struct Own {
    mapping: Option<Arc<Mapping>>,
    tables: Arc<Tables>,
}

impl Own {
    /// Reads the tables of one file as they are on a day, and the mapping that another begins with.
    pub fn read(rules: &Rules, mapping: Option<&Path>, tables: Option<&Path>, day: String) -> anyhow::Result<Self> {
        let mapping = mapping.filter(|path| path.is_file()).map(|path| self::mapping(rules, path)).transpose()?;
        let tables = tables.map(self::tables).transpose()?.unwrap_or_default();
        Ok(Own { mapping, tables: Arc::new(tables.on(day)) })
    }

    /// What documents of a type are read or written with.
    pub fn means(&self, standard: &str, version: &str, kind: &str) -> Means {
        let name = format!("{standard}/{version}/{kind}");
        let mapping = self.mapping.clone().filter(|mapping| mapping.name().eq_ignore_ascii_case(&name));
        Means { mapping, tables: self.tables.clone(), ..Means::default() }
    }

    /// The same for a definition.
    pub fn means_for(&self, document: &Document) -> Means {
        self.means(&document.standard, &document.version, &document.kind)
    }

    /// The lookup tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }
}

/// How an agreement of the file, of way out and for the target, cuts documents. Where several do, `agreement` names one.
///
/// # Errors
/// There is none, or several and none is named; or it cannot be read.
pub fn split(
    rules: &Rules,
    own: &Own,
    target: &Target,
    path: &Path,
    agreement: Option<&str>,
) -> anyhow::Result<Cutting> {
    let name = format!("{}/{}/{}", target.standard, target.version, target.document);
    let resources = resources(path)?;
    let is_for = |one: &&Resource| {
        let word = |key: &str| one.body[key].as_str().unwrap_or_default();
        one.kind == "agreement" && word("way") == "out" && word("document").eq_ignore_ascii_case(&name)
    };
    let fitting: Vec<_> = resources.iter().filter(is_for).filter(|one| !one.body["split"].is_null()).collect();
    let expected = format!("{}: expected an agreement of way out for {name} with a key split", path.display());
    let names = || fitting.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let one = match (agreement, fitting.as_slice()) {
        (_, []) => anyhow::bail!(expected),
        (None, [one]) => one,
        (None, _) => anyhow::bail!("{expected}, found several: {}; name one with --agreement", names()),
        (Some(asked), _) => {
            let found = fitting.iter().find(|one| one.name == asked);
            found.with_context(|| format!("{expected} and the name {asked}, found {}", names()))?
        }
    };
    let wrong = one.check_shape();
    if !wrong.is_empty() {
        return Err(together(wrong));
    }
    let split: Split = serde_json::from_value(one.body["split"].clone()).with_context(|| one.id())?;
    let by_key = |said: &String| {
        let (key, message) = said.split_once(": ").unwrap_or(("split", said));
        one.error_at(key, message)
    };
    let rule = split.rule().map_err(|wrong| together(wrong.iter().map(by_key).collect()))?;
    let unfit = unfit(rules, &own.means(&target.standard, &target.version, &target.document), target, &rule);
    if !unfit.is_empty() {
        return Err(together(unfit.iter().map(|(key, sentence)| one.error_at(key, sentence)).collect()));
    }
    let place = one.line_of("split").unwrap_or_default();
    Ok(Cutting { rule, by: format!("agreement {} split", one.name), place })
}

/// The resources of a file with their rows, all that is wrong being the error.
pub fn resources(path: &Path) -> anyhow::Result<Vec<Resource>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.display().to_string();
    let mut files = BTreeMap::new();
    for named in rows_files(&text) {
        let path = beside(&name, &named);
        let rows = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        files.insert(path, rows);
    }
    let mut resources = parse(&name, &text).map_err(together)?;
    attach(&mut resources, |path| files.get(path).map(String::as_str)).map_err(together)?;
    Ok(resources)
}

fn together<E: ToString>(errors: Vec<E>) -> anyhow::Error {
    anyhow::anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn mapping(rules: &Rules, path: &Path) -> anyhow::Result<Arc<Mapping>> {
    over(rules, path).map(|(mapping, _)| Arc::new(mapping))
}

/// What the mapping that a file begins with changes of what it stands on.
pub fn overrides(rules: &Rules, path: &Path) -> anyhow::Result<Vec<Override>> {
    over(rules, path).map(|(_, overrides)| overrides)
}

fn over(rules: &Rules, path: &Path) -> anyhow::Result<(Mapping, Vec<Override>)> {
    let resources = resources(path)?;
    let first = resources.iter().find(|one| one.kind == "mapping");
    let first = first.with_context(|| format!("{}: expected a resource of kind mapping", path.display()))?;
    let body = |name: &str| {
        let found = resources.iter().find(|one| one.kind == "mapping" && one.name == name)?;
        let mut body = found.body.clone();
        for key in ["title", "group"] {
            body.as_object_mut().and_then(|body| body.shift_remove(key));
        }
        Some(body)
    };
    let found = rules.mappings.over(&first.name, body);
    found.map_err(|error| together(vec![first.error_at(&error.key, &error.message)]))
}

fn tables(path: &Path) -> anyhow::Result<Tables> {
    let mut tables = Tables::default();
    for one in resources(path)?.iter().filter(|one| one.kind == "table") {
        let read = Table::read(&one.name, &one.body);
        let read = read.map_err(|errors| {
            together(errors.iter().map(|error| one.error_at(&error.key, &error.message)).collect())
        })?;
        tables.all.insert(one.name.clone(), Arc::new(read));
    }
    Ok(tables)
}
