//! Rows of tables that stand in a CSV file beside: they become part of the resource, so that the ledger has them.

use super::resource::{Resource, ResourceError};
use crate::table::csv_rows;
use serde_json::Value;
use std::path::Path;

/// The files that the tables of a YAML file name in `rows_file`, as they are named.
#[must_use]
pub fn rows_files(text: &str) -> Vec<String> {
    let nodes = crate::yaml::documents(text).unwrap_or_default();
    let of = |node: &crate::yaml::Node| node.get("rows_file").and_then(|node| node.text().map(str::to_owned));
    nodes.iter().filter_map(of).collect()
}

/// The path of a file named in another.
#[must_use]
pub fn beside(file: &str, named: &str) -> String {
    let folder = Path::new(file).parent().unwrap_or_else(|| Path::new(""));
    folder.join(named).display().to_string()
}

/// Puts the rows into the resources that name a file; `find` gives a file's text by its path.
///
/// # Errors
/// A file that did not come, or is no CSV, or rows in both places.
pub fn attach<'f>(
    resources: &mut [Resource],
    find: impl Fn(&str) -> Option<&'f str>,
) -> Result<(), Vec<ResourceError>> {
    let mut errors = Vec::new();
    for one in resources.iter_mut().filter(|one| one.kind == "table") {
        let Some(named) = one.body["rows_file"].as_str().map(str::to_owned) else { continue };
        let file = one.place.rsplit_once(':').map_or("", |(file, _)| file);
        let path = beside(file, &named);
        let rows = match find(&path) {
            _ if one.body.get("rows").is_some() => Err("expected rows or rows_file, found both".to_owned()),
            None => Err(format!("expected the file {path}, which is not there")),
            Some(text) => csv_rows(text).map_err(|message| format!("{path}: {message}")),
        };
        match rows {
            Ok(rows) => {
                if let Some(body) = one.body.as_object_mut() {
                    body.shift_remove("rows_file");
                    body.insert("rows".to_owned(), Value::Array(rows));
                }
            }
            Err(message) => errors.push(one.error_at("rows_file", &message)),
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
