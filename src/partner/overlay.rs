//! Mappings, transformations, guides and tables among the resources: kept as they are written, since what they mean is not decided here;
//! and which of them counts for an agreement: its own, else its partner's group's.

use super::directory::Directory;
use super::resource::{Agreement, Resource, ResourceError};
use crate::near::hint;
use crate::standard::guide::ready;
use crate::table::{Table, Tables};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A mapping or guide.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Overlay {
    /// What it says, with its `base`.
    file: Value,
    /// The group whose partners it counts for without being named.
    group: Option<String>,
}

/// The four kinds, by name.
#[derive(Debug, Default)]
pub(super) struct Overlays {
    pub(super) mappings: BTreeMap<String, Overlay>,
    pub(super) guides: BTreeMap<String, Overlay>,
    pub(super) transformations: BTreeMap<String, Value>,
    pub(super) tables: Tables,
}

impl Overlays {
    /// Takes one in.
    pub(super) fn take(&mut self, one: &Resource) -> Vec<ResourceError> {
        if one.kind == "table" {
            if one.body.get("rows_file").is_some() {
                let message = "expected a CSV file beside this one, which `apply` sends along; it did not come";
                return vec![one.error_at("rows_file", message)];
            }
            return match Table::read(&one.name, &one.body) {
                Ok(table) => {
                    self.tables.all.insert(one.name.clone(), Arc::new(table));
                    Vec::new()
                }
                Err(errors) => errors.iter().map(|error| one.error_at(&error.key, &error.message)).collect(),
            };
        }
        if one.kind == "transformation" {
            self.transformations.insert(one.name.clone(), one.body.clone());
            return Vec::new();
        }
        let mut file = one.body.clone();
        let mut take = |key: &str| {
            let taken = file.as_object_mut().and_then(|file| file.shift_remove(key));
            taken.and_then(|value| value.as_str().map(str::to_owned))
        };
        let group = take("group");
        if one.kind == "mapping" {
            take("title");
            self.mappings.insert(one.name.clone(), Overlay { file, group });
        } else {
            self.guides.insert(one.name.clone(), Overlay { file, group });
        }
        Vec::new()
    }
}

/// The file of one that is packed in, by its name.
type Packed = fn(&str) -> Option<Value>;

/// Mappings that are packed are named by their document type, which is the ground itself.
const NONE_PACKED: Packed = |_| None;

/// The document type at the bottom of a chain of bases.
fn ground(overlays: &BTreeMap<String, Overlay>, packed: Packed, name: &str) -> Option<String> {
    let mut name = name.to_owned();
    for _ in 0..=crate::inherit::LAYERS_MAX {
        let packed = || packed(&name)?["base"].as_str().map(str::to_owned);
        name = match overlays.get(&name) {
            Some(overlay) => overlay.file["base"].as_str()?.to_owned(),
            None => packed()?,
        };
        if name.contains('/') {
            return Some(name);
        }
    }
    None
}

impl Directory {
    /// The lookup tables.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.overlays.tables
    }

    /// What a mapping says.
    #[must_use]
    pub fn mapping(&self, name: &str) -> Option<&Value> {
        self.overlays.mappings.get(name).map(|overlay| &overlay.file)
    }

    /// What a guide says.
    #[must_use]
    pub fn guide(&self, name: &str) -> Option<&Value> {
        self.overlays.guides.get(name).map(|overlay| &overlay.file)
    }

    /// What a transformation says.
    #[must_use]
    pub fn transformation(&self, name: &str) -> Option<&Value> {
        self.overlays.transformations.get(name)
    }

    /// The mapping of an agreement that has one.
    #[must_use]
    pub fn mapping_of(&self, agreement: &str) -> Option<&str> {
        let agreement = self.agreement(agreement)?;
        let named = agreement.mapping.as_deref();
        named.or_else(|| self.of_groups(&self.overlays.mappings, NONE_PACKED, agreement).into_iter().next())
    }

    /// The guide of an agreement that has one.
    #[must_use]
    pub fn guide_of(&self, agreement: &str) -> Option<&str> {
        let agreement = self.agreement(agreement)?;
        let named = agreement.guide.as_deref();
        named.or_else(|| self.of_groups(&self.overlays.guides, ready::file, agreement).into_iter().next())
    }

    /// Those of the partner's groups that are for the agreement's document type.
    fn of_groups<'o>(
        &self,
        overlays: &'o BTreeMap<String, Overlay>,
        packed: Packed,
        agreement: &Agreement,
    ) -> Vec<&'o str> {
        let groups = self.partner(&agreement.partner).map_or(&[][..], |partner| &partner.groups);
        let fits = |(name, overlay): &(&'o String, &'o Overlay)| {
            let of_type =
                ground(overlays, packed, name).is_some_and(|base| base.eq_ignore_ascii_case(&agreement.document));
            overlay.group.as_ref().is_some_and(|group| groups.contains(group)) && of_type
        };
        overlays.iter().filter(fits).map(|(name, _)| name.as_str()).collect()
    }

    /// What an agreement names that is not there, and groups that leave the choice open.
    pub(super) fn check_overlays(&self, agreement: &Agreement) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let kinds = [
            ("mapping", &agreement.mapping, &self.overlays.mappings, NONE_PACKED, Vec::new()),
            ("guide", &agreement.guide, &self.overlays.guides, ready::file as Packed, ready::names()),
        ];
        for (kind, named, overlays, packed, ready) in kinds {
            match named {
                Some(name) if !overlays.contains_key(name) && !ready.contains(&name.as_str()) => {
                    let known: Vec<_> = overlays.keys().map(String::as_str).chain(ready).collect();
                    found.push((kind.to_owned(), format!("{kind} {name} is not there{}", hint(name, &known))));
                }
                Some(_) => {}
                None => {
                    let several = self.of_groups(overlays, packed, agreement);
                    if several.len() > 1 {
                        let message =
                            format!("several of its partner's groups have one: {}; name one", several.join(", "));
                        found.push((kind.to_owned(), message));
                    }
                }
            }
        }
        found
    }
}
