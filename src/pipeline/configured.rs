//! What resources add to the rules that are packed in: mappings and guides of partners, lookup tables. Made anew with
//! the directory; whatever does not fit definitions and packed mappings is told with its place.

use super::reach::templates;
use crate::codec::segment::Envelope;
use crate::engine::map::Target;
use crate::engine::{Means, Rules};
use crate::entity::split::SplitRule;
use crate::entity::{Text, definition};
use crate::inherit::Override;
use crate::mapping::Mapping;
use crate::partner::{Agreement, Directory, ExpectKind, Resource, ResourceError, Split};
use crate::standard::definition::{Document, ENTITY_CODES};
use crate::standard::guide::{Guide, ready};
use crate::table::Tables;
use crate::transformation::expression::Expressions;
use crate::transformation::{Condition, Transformation};
use crate::transport::as2::certificate::Certificate;
use crate::transport::http::address::Network;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The mappings, guides and tables that resources say.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    /// By name.
    pub mappings: BTreeMap<String, Arc<Mapping>>,
    /// By name.
    pub guides: BTreeMap<String, Arc<Guide>>,
    /// The packed guides that agreements name, by name. An envelope does not choose them.
    pub ready: BTreeMap<String, Arc<Guide>>,
    /// By name.
    pub tables: Arc<Tables>,
    /// By name.
    pub transformations: BTreeMap<String, Arc<Transformation>>,
    /// What routes make of documents, by name of the route; one that takes them as they are has none.
    pub ways: BTreeMap<String, Way>,
    /// Certificates, by name.
    pub certificates: BTreeMap<String, Arc<Certificate>>,
    /// What each mapping and guide changes of its base, by `mapping/acme-orders`.
    pub overrides: BTreeMap<String, Vec<Override>>,
}

/// What a route makes of documents.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// The condition under which it takes them, read for each entity that they may be.
    pub conditions: Vec<(String, Arc<Condition>)>,
    /// The transformations they go through; of these the ones for their entity.
    pub through: Vec<Arc<Transformation>>,
}

impl Configured {
    /// Builds all that resources say; `resources` are those of the directory, for the places of what is wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn new(rules: &Rules, directory: &Directory, resources: &[Resource]) -> Result<Self, Vec<ResourceError>> {
        let mut configured = Configured { tables: Arc::new(directory.tables().clone()), ..Configured::default() };
        let mut errors = Vec::new();
        for one in resources {
            match one.kind.as_str() {
                "mapping" => errors.extend(configured.mapping(rules, directory, one)),
                "transformation" => errors.extend(configured.transformation(directory, one)),
                "guide" => errors.extend(configured.guide(rules, directory, one)),
                "certificate" => errors.extend(configured.certificate(directory, one)),
                "auth" => {
                    errors.extend(signature(directory, one));
                    let oauth2 = directory.auth(&one.name).and_then(|auth| auth.oauth2.as_ref());
                    let named = oauth2.map_or(&[][..], |oauth2| &oauth2.allow_networks);
                    errors.extend(networks(one, "oauth2.allow_networks", named));
                }
                "channel" => {
                    let named = directory.channel(&one.name).map_or(&[][..], |channel| &channel.allow_networks);
                    errors.extend(networks(one, "allow_networks", named));
                }
                "recipient" => {
                    let found = directory.recipients().find(|(name, _)| **name == one.name);
                    let post = found.and_then(|(_, recipient)| recipient.post.as_ref());
                    let named = post.map_or(&[][..], |post| &post.allow_networks);
                    errors.extend(networks(one, "post.allow_networks", named));
                }
                "webhook" => {
                    let named = directory.webhook(&one.name).map_or(&[][..], |hook| &hook.allow_networks);
                    errors.extend(networks(one, "allow_networks", named));
                }
                _ => {}
            }
        }
        for one in resources.iter().filter(|one| one.kind == "channel") {
            errors.extend(laid_out(rules, directory, one));
        }
        for one in resources.iter().filter(|one| one.kind == "agreement") {
            errors.extend(configured.ready(rules, directory, one));
            errors.extend(configured.agreement(rules, directory, one));
            errors.extend(advice(rules, directory, one));
            errors.extend(configured.split(rules, directory, one));
        }
        for one in resources.iter().filter(|one| one.kind == "route") {
            errors.extend(configured.way(rules, directory, one));
        }
        if errors.is_empty() { Ok(configured) } else { Err(errors) }
    }

    /// The expressions of other languages that transformations run.
    ///
    /// # Errors
    /// Those that cannot be read.
    pub fn check_expressions(&self, by: &dyn Expressions, resources: &[Resource]) -> Result<(), Vec<ResourceError>> {
        let mut errors = Vec::new();
        for one in resources.iter().filter(|one| one.kind == "transformation") {
            for (key, expression) in
                self.transformations.get(&one.name).into_iter().flat_map(|found| found.expressions())
            {
                errors.extend(by.check(expression).err().map(|failure| one.error_at(&key, failure.sentence())));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn certificate(&mut self, directory: &Directory, one: &Resource) -> Option<ResourceError> {
        let pem = &directory.certificate(&one.name)?.pem;
        match Certificate::all(pem.as_bytes()) {
            Ok(mut all) => drop(self.certificates.insert(one.name.clone(), Arc::new(all.swap_remove(0)))),
            Err(error) => return Some(one.error_at("pem", &error.to_string())),
        }
        None
    }

    fn transformation(&mut self, directory: &Directory, one: &Resource) -> Vec<ResourceError> {
        let Some(file) = directory.transformation(&one.name) else { return Vec::new() };
        match Transformation::read(&one.name, file) {
            Ok(transformation) => {
                let errors = lookups(&transformation.lookups(), &self.tables).into_iter();
                let errors = errors.map(|message| one.error_at("steps", &message)).collect();
                self.transformations.insert(one.name.clone(), Arc::new(transformation));
                errors
            }
            Err(wrong) => wrong.iter().map(|wrong| one.error_at(&wrong.key, &wrong.message)).collect(),
        }
    }

    /// What a route says of the entities that its documents may be.
    fn way(&mut self, rules: &Rules, directory: &Directory, one: &Resource) -> Vec<ResourceError> {
        let Some(route) = directory.route(&one.name) else { return Vec::new() };
        if route.when.is_none() && route.through.is_empty() {
            return Vec::new();
        }
        let Some(agreement) = directory.agreement(&route.from) else { return Vec::new() };
        let Ok(target) = Target::parse(rules, &agreement.document) else {
            return vec![
                one.error_at("from", &format!("expected documents with a mapping, found {}", agreement.document)),
            ];
        };
        let means = self.means(directory, Some(&route.from));
        let kinds = entities(rules, &means, &target);
        let (mut way, mut errors) = (Way::default(), Vec::new());
        for (kind, when) in kinds.iter().flat_map(|kind| route.when.iter().map(move |when| (kind, when))) {
            match Condition::read(when, kind) {
                Ok(condition) => way.conditions.push((kind.clone(), Arc::new(condition))),
                Err(message) => errors.push(one.error_at("when", &message)),
            }
        }
        for found in route.through.iter().filter_map(|name| self.transformations.get(name)) {
            if !kinds.contains(&found.entity) {
                let (name, entity, kinds) = (&found.name, &found.entity, kinds.join(" or "));
                let message = format!("expected transformations of {kinds}, found {name}, which is for {entity}");
                errors.push(one.error_at("through", &message));
            }
            way.through.push(found.clone());
        }
        self.ways.insert(one.name.clone(), way);
        errors
    }

    fn mapping(&mut self, rules: &Rules, directory: &Directory, one: &Resource) -> Vec<ResourceError> {
        match rules.mappings.over(&one.name, |name| directory.mapping(name).cloned()) {
            Ok((mapping, overrides)) => {
                let errors = lookups(&mapping.lookups(), &self.tables)
                    .into_iter()
                    .map(|message| one.error_at("rules", &message));
                let errors = errors.collect();
                self.overrides.insert(one.id(), overrides);
                self.mappings.insert(one.name.clone(), Arc::new(mapping));
                errors
            }
            Err(error) => vec![one.error_at(&error.key, &error.message)],
        }
    }

    fn guide(&mut self, rules: &Rules, directory: &Directory, one: &Resource) -> Vec<ResourceError> {
        let guide = match Guide::load(&one.name, &rules.library, |name| directory.guide(name).cloned()) {
            Ok(guide) => guide,
            Err(errors) => return errors.iter().map(|error| one.error_at(&error.key, &error.message)).collect(),
        };
        let Some([standard, version, kind]) = guide.parts() else { return Vec::new() };
        let definition = rules.library.document(standard, version, kind);
        let directory = rules.library.directory(standard, version);
        let problems = match (definition, directory) {
            (Ok(definition), Ok(directory)) => guide.lint(&definition, &directory),
            (Err(error), _) | (_, Err(error)) => return vec![one.error_at("base", &error.to_string())],
        };
        let errors = problems.iter().map(|problem| one.error_at(&problem.key, &problem.message)).collect();
        self.overrides.insert(one.id(), guide.overrides.clone());
        self.guides.insert(one.name.clone(), Arc::new(guide));
        errors
    }

    /// The packed guide that an agreement names.
    fn ready(&mut self, rules: &Rules, directory: &Directory, one: &Resource) -> Vec<ResourceError> {
        let named = directory.agreement(&one.name).and_then(|agreement| agreement.guide.as_ref());
        let is_packed = |name: &&String| !self.guides.contains_key(*name) && ready::text(name).is_some();
        let Some(name) = named.filter(is_packed) else { return Vec::new() };
        match Guide::load(name, &rules.library, |_| None) {
            Ok(guide) => {
                self.ready.insert(name.clone(), Arc::new(guide));
                Vec::new()
            }
            Err(errors) => errors.iter().map(|error| one.error_at("guide", &error.to_string())).collect(),
        }
    }

    fn named(&self, guide: &str) -> Option<&Arc<Guide>> {
        self.guides.get(guide).or_else(|| self.ready.get(guide))
    }

    /// An agreement's mapping and guide are for its own document type.
    fn agreement(&self, rules: &Rules, directory: &Directory, one: &Resource) -> Vec<ResourceError> {
        let Some(agreement) = directory.agreement(&one.name) else { return Vec::new() };
        let mut found = Vec::new();
        let mut compare = |key: &str, name: &Option<String>, document: Option<String>| {
            if let (Some(name), Some(document)) = (name, document)
                && !document.eq_ignore_ascii_case(&agreement.document)
            {
                let message =
                    format!("expected a {key} of {}, found {name}, which is of {document}", agreement.document);
                found.push(one.error_at(key, &message));
            }
        };
        let mapping = agreement.mapping.as_ref().and_then(|name| self.mappings.get(name));
        compare("mapping", &agreement.mapping, mapping.map(|mapping| mapping.name()));
        let guide = agreement.guide.as_ref().and_then(|name| self.named(name));
        compare("guide", &agreement.guide, guide.map(|guide| guide.document.clone()));
        found.extend(answered(rules, mapping, agreement).map(|message| one.error_at("expect.kind", &message)));
        found
    }

    /// What an agreement cuts its documents by is there in what they are written from.
    fn split(&self, rules: &Rules, directory: &Directory, one: &Resource) -> Vec<ResourceError> {
        let Some(agreement) = directory.agreement(&one.name) else { return Vec::new() };
        let Some(Ok(rule)) = agreement.split.as_ref().map(Split::rule) else { return Vec::new() };
        let Ok(target) = Target::parse(rules, &agreement.document) else { return Vec::new() };
        let found = unfit(rules, &self.means(directory, Some(&one.name)), &target, &rule);
        found.iter().map(|(key, sentence)| one.error_at(key, sentence)).collect()
    }

    /// What documents of an agreement are read or written with.
    #[must_use]
    pub fn means(&self, directory: &Directory, agreement: Option<&str>) -> Means {
        let name = agreement.and_then(|name| directory.mapping_of(name));
        let agreed = agreement.and_then(|name| directory.agreement(name)).map(|agreement| agreement.tolerance);
        Means {
            mapping: name.and_then(|name| self.mappings.get(name)).cloned(),
            tables: self.tables.clone(),
            tolerance: agreed.unwrap_or_default(),
        }
    }

    /// The guide for a document: the agreement's, which may have been agreed for a neighbouring version; else the one that
    /// its envelope selects.
    #[must_use]
    pub fn guide_for(
        &self,
        directory: &Directory,
        agreement: Option<&str>,
        envelope: &Envelope,
        document: &Document,
    ) -> Option<Arc<Guide>> {
        let named = agreement.and_then(|name| directory.guide_of(name)).and_then(|name| self.named(name));
        let said = [&envelope.implementation, &envelope.guide];
        let selected = || {
            let selects =
                |guide: &&Arc<Guide>| guide.selects.iter().any(|one| said.contains(&one)) && guide.is_for(document);
            self.guides.values().find(selects)
        };
        named.filter(|guide| guide.is_for_type(document)).or_else(selected).cloned()
    }
}

/// Only orders are answered by an order response.
fn answered(rules: &Rules, mapping: Option<&Arc<Mapping>>, agreement: &Agreement) -> Option<String> {
    let is_awaited = agreement.expect.iter().any(|expect| expect.kind == ExpectKind::OrderResponse);
    let target = Target::parse(rules, &agreement.document).ok().filter(|_| is_awaited)?;
    let means = Means { mapping: mapping.cloned(), ..Means::default() };
    let is_order = entities(rules, &means, &target).iter().any(|kind| kind == "order");
    let found = &agreement.document;
    (!is_order).then(|| format!("expected order_response with a document of an order only, found with {found}"))
}

/// What tells senders what the business made of their documents has to be an application advice.
fn advice(rules: &Rules, directory: &Directory, one: &Resource) -> Option<ResourceError> {
    let name = directory.agreement(&one.name)?.ack.as_ref()?.advice.as_ref()?;
    let document = &directory.agreement(name)?.document;
    let message = || format!("expected an agreement for an 824 or APERAK, found {name}, which is for {document}");
    (!super::answer::is_advice(rules, document)).then(|| one.error_at("ack.advice", &message()))
}

/// What a channel says is sent there has to be a document type whose definition lays its bytes out.
fn laid_out(rules: &Rules, directory: &Directory, one: &Resource) -> Option<ResourceError> {
    let named = directory.channel(&one.name)?.document.as_ref()?;
    let error = rules.library.told(named).err()?;
    Some(one.error_at("document", &error.to_string()))
}

/// What of a rule does not fit the entities that the documents of a type are written from: keys and sentences.
#[must_use]
pub fn unfit(rules: &Rules, means: &Means, target: &Target, rule: &SplitRule) -> Vec<(&'static str, String)> {
    let kinds = entities(rules, means, target);
    let kinds = || kinds.iter().map(String::as_str);
    let mut found = Vec::new();
    for kind in kinds().filter(|kind| definition(kind).is_none_or(|entity| entity.split.is_none())) {
        found.push(("split", format!("expected a document that can be cut into several, found one of a {kind}")));
    }
    for (key, kind) in rule.by.iter().flat_map(|key| kinds().map(move |kind| (key, kind))) {
        found.extend(key.check(kind).err().map(|sentence| ("split.by", sentence)));
    }
    let codes = rules.mappings.codes();
    let mut named = |place: &'static str, list: &str, code: &str, standard: &str| {
        if codes.preferred(list, standard, code).is_none() {
            let known = codes.canonicals(list, standard);
            let hint = crate::near::hint(code, &known.iter().map(Text::as_str).collect::<Vec<_>>());
            found.push((place, format!("expected a code of {list}, found {code}{hint}")));
        }
    };
    for (list, code) in rule.by.iter().flat_map(|key| kinds().flat_map(|kind| key.codes(kind))) {
        named("split.by", &list, &code, ENTITY_CODES);
    }
    if let Some(kind) = &rule.reference {
        named("split.reference", "reference", kind, &target.codes);
    }
    found.dedup();
    found
}

/// The entities that documents of a type are read as.
fn entities(rules: &Rules, means: &Means, target: &Target) -> Vec<String> {
    let packed = || rules.mappings.find(&target.standard, &target.version, &target.document).ok();
    let mapping = means.mapping.clone().or_else(packed);
    mapping.map(|mapping| mapping.select.iter().map(|choice| choice.entity.clone()).collect()).unwrap_or_default()
}

/// Lookups of a mapping or a transformation that no table answers.
fn lookups(asked: &[[String; 3]], tables: &Tables) -> Vec<String> {
    let mut found = Vec::new();
    for [table, from, to] in asked {
        match tables.all.get(table) {
            None => {
                let known: Vec<_> = tables.all.keys().map(String::as_str).collect();
                found.push(format!("lookup({table}, …): no table {table}{}", crate::near::hint(table, &known)));
            }
            Some(known) => {
                for column in [from, to].into_iter().filter(|column| !known.columns.contains(column)) {
                    let columns: Vec<_> = known.columns.iter().map(String::as_str).collect();
                    let hint = crate::near::hint(column, &columns);
                    found.push(format!("lookup({table}, …): no column {column} in table {table}{hint}"));
                }
            }
        }
    }
    found
}

/// What is no network among those that may be reached.
fn networks(one: &Resource, key: &str, named: &[String]) -> Vec<ResourceError> {
    let wrong = |(at, text): (usize, &String)| {
        let error = text.parse::<Network>().err()?;
        Some(one.error_at(&format!("{key}[{}]", at + 1), &error))
    };
    named.iter().enumerate().filter_map(wrong).collect()
}

/// What is wrong with the templates of a signature.
fn signature(directory: &Directory, one: &Resource) -> Option<ResourceError> {
    let signed = directory.auth(&one.name)?.signed.as_ref()?;
    templates(signed).err().map(|(key, error)| one.error_at(&key, &error))
}
