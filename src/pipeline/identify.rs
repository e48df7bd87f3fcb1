//! A first look at an input: its interchanges, who sent them, under which agreements its documents fall, and whether
//! all of it can go on. It reads envelopes only; nothing is written.

use crate::codec::segment::{Envelope, EnvelopeCheck, Limits, PartyId, Piece, PieceKind, Reader};
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax};
use crate::engine::Rules;
use crate::partner::{Directory, Environment, Held, Sender};
use crate::standard::load::Library;
use crate::store::hexadecimal;
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

/// One interchange, as its envelope says.
#[derive(Debug, Clone)]
pub struct Found {
    /// Ordinal in the input, from 1.
    pub number: u32,
    /// Whose syntax.
    pub syntax: Syntax,
    /// What ISA or UNB says.
    pub envelope: Envelope,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// How many documents it has.
    pub documents: u32,
    /// Document types in it, `x12/004010/850`, acknowledgments left out.
    pub kinds: BTreeSet<String>,
    /// Faults of interchange and groups; an error among them spoils its documents.
    pub faults: Vec<Diagnostic>,
    /// Faults of groups, by group.
    pub group_faults: BTreeMap<u32, Vec<Diagnostic>>,
}

pub use crate::codec::segment::ANSWERS as ACKNOWLEDGMENTS;

/// Who sent an interchange, and under which agreement each of its document types falls.
#[derive(Debug, Clone)]
pub struct Identified {
    /// The partner.
    pub partner: String,
    /// Test or production.
    pub environment: Environment,
    /// Agreement by document type.
    pub agreements: BTreeMap<String, String>,
}

impl Found {
    /// Test or production.
    #[must_use]
    pub fn environment(&self) -> Environment {
        if self.envelope.test { Environment::Test } else { Environment::Production }
    }

    /// The fault of a header that is cut off, so that nobody can tell who sent what.
    #[must_use]
    pub fn unusable(&self) -> Option<&Diagnostic> {
        self.faults.iter().find(|one| one.fault == Fault::InterchangeHeader).filter(|_| self.documents == 0)
    }

    /// What must not come twice: the standard, both parties and the control number.
    #[must_use]
    pub fn business_key(&self) -> String {
        format!("{} {}", self.between(), self.envelope.interchange_control_number)
    }

    /// The same where control numbers repeat: the bytes, date and time in the header included, stand for the number.
    #[must_use]
    pub fn content_key(&self) -> String {
        format!("{} content {}", self.between(), self.digest)
    }

    fn between(&self) -> String {
        let envelope = &self.envelope;
        let party = |id: &crate::codec::segment::PartyId| format!("{}:{}", id.scheme.trim(), id.value.trim());
        let standard = envelope.standard_in(self.syntax);
        let (sender, receiver) = (party(&envelope.sender), party(&envelope.receiver));
        format!("{standard} {sender} {receiver}")
    }
}

/// The document type that an envelope names, by the version that it is read as: agreements name that one. A version
/// without a mapping is read as the nearest that has one.
#[must_use]
pub fn kind_of(rules: &Rules, syntax: Syntax, envelope: &Envelope) -> String {
    let (standard, folder) = crate::codec::segment::folder_of(syntax, envelope);
    let (standard, kind) = (standard.as_str(), &envelope.document_type);
    let mapped = rules.mapped_version(standard, &folder, kind);
    let version = mapped.unwrap_or_else(|| match rules.library.document(standard, &folder, kind) {
        Ok(_) => folder,
        Err(_) => rules.library.nearest(standard, &folder, kind).unwrap_or(folder),
    });
    format!("{standard}/{version}/{kind}")
}

/// Looks through an input; `library` knows what it was said to be.
///
/// # Errors
/// What the source says.
pub fn look<R: Read>(rules: &Rules, library: &Library, source: R) -> io::Result<Vec<Found>> {
    let mut reader = Reader::new(source, Limits::default()).knowing(library);
    let mut check = EnvelopeCheck::new(Some(&rules.library));
    let mut envelope = Envelope::default();
    let mut found: Vec<Found> = Vec::new();
    let mut digest = Context::new(&SHA256);
    while let Some(piece) = reader.next()? {
        envelope.note(&piece, library);
        note(rules, &piece, &envelope, &mut found);
        if piece.kind == PieceKind::InterchangeHeader {
            digest = Context::new(&SHA256);
        }
        if piece.kind != PieceKind::Between {
            digest.update(piece.run.bytes);
            if let Some(open) = found.last_mut() {
                open.digest = hexadecimal(digest.clone().finish().as_ref());
            }
        }
        put(&mut found, check.take(&piece));
    }
    put(&mut found, check.end());
    Ok(found)
}

fn note(rules: &Rules, piece: &Piece<'_>, envelope: &Envelope, found: &mut Vec<Found>) {
    match (piece.kind, found.last_mut()) {
        (PieceKind::InterchangeHeader, _) => found.push(Found {
            number: piece.interchange,
            syntax: piece.syntax,
            envelope: envelope.clone(),
            digest: String::new(),
            documents: 0,
            kinds: BTreeSet::new(),
            faults: Vec::new(),
            group_faults: BTreeMap::new(),
        }),
        (PieceKind::Document, Some(open)) => {
            open.documents += 1;
            if piece.syntax.is_by_contents() {
                // Its envelope is part of the document.
                if piece.document == 1 {
                    open.envelope = envelope.clone();
                }
                open.envelope.settle(envelope);
            }
            if !ACKNOWLEDGMENTS.contains(&envelope.document_type.as_str()) {
                open.kinds.insert(kind_of(rules, piece.syntax, envelope));
            }
        }
        _ => {}
    }
}

fn put(found: &mut [Found], findings: Vec<crate::codec::segment::EnvelopeFinding>) {
    for finding in findings.into_iter().filter(|finding| finding.document == 0) {
        let Some(open) = found.iter_mut().rev().find(|one| one.number == finding.interchange) else { continue };
        if finding.group == 0 {
            open.faults.push(finding.diagnostic);
        } else {
            open.group_faults.entry(finding.group).or_default().push(finding.diagnostic);
        }
    }
}

/// The first error that spoils the documents of a group: the interchange's, or the group's.
#[must_use]
pub fn spoilt(found: &Found, group: u32) -> Option<&Diagnostic> {
    let all = found.faults.iter().chain(found.group_faults.get(&group).into_iter().flatten());
    all.into_iter().find(|fault| fault.severity == Severity::Error)
}

/// Who sent an interchange, and whether all its document types have agreements, and those that `leads_on` a route.
///
/// # Errors
/// Why it has to wait.
pub fn identify(
    directory: &Directory,
    channel: &str,
    found: &Found,
    (released_as, day): (Option<&str>, jiff::civil::Date),
    leads_on: impl Fn(&str) -> bool,
) -> Result<Identified, Held> {
    let PartyId { scheme, value } = &found.envelope.sender;
    let sender = Sender { syntax: found.syntax, scheme, value };
    let partner = directory.sender(channel, sender, released_as)?;
    let environment = found.environment();
    let mut agreements = BTreeMap::new();
    for kind in &found.kinds {
        let agreement = directory.agreement_in(partner, kind, environment, day)?;
        let routes = directory.routes(agreement);
        routes.iter().try_for_each(|(_, route)| directory.agreement_out(&route.to, day).map(drop))?;
        if routes.is_empty() && leads_on(kind) {
            let reason = format!("no route leads on from agreement {agreement}; add one and apply");
            return Err(Held { code: "ROUTE-MISSING", reason });
        }
        agreements.insert(kind.clone(), agreement.to_owned());
    }
    Ok(Identified { partner: partner.to_owned(), environment, agreements })
}
