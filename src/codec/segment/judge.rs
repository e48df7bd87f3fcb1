//! Judges one document: which definition it follows, and everything that is wrong with its content. It looks at nothing
//! but the document, the envelope above it, and definitions and guides, so that documents may be judged in any order and by
//! several threads at once. What only the whole envelope shows is `EnvelopeCheck`'s.

use super::{DocumentReport, Envelope, HeaderValues, Piece};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::definition::{Directory, Document};
use crate::standard::guide::Guide;
use crate::standard::load::Library;
use crate::standard::place::Placement;
use crate::standard::validate::{follow, validate};
use std::sync::Arc;

/// A document with its definition and the places of its segments.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The definition it was checked against.
    pub document: Arc<Document>,
    /// What the version's documents share.
    pub directory: Arc<Directory>,
    /// Where each segment stands.
    pub placement: Placement,
}

/// Chooses the guide that a document is held against: by interchange, what its envelope says, and its definition.
pub type GuideChoice<'l> = Box<dyn Fn(u32, &Envelope, &Document) -> Option<Arc<Guide>> + Send + Sync + 'l>;

/// A document that was judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it is and what is wrong with it.
    pub report: DocumentReport,
    /// Where its segments stand, when its definition is known.
    pub placed: Option<Placed>,
}

/// What documents are judged by.
pub struct Judge<'l> {
    library: &'l Library,
    guides: Option<GuideChoice<'l>>,
}

impl<'l> Judge<'l> {
    /// Definitions come from `library`; documents are held against guides as well, where there are any.
    #[must_use]
    pub fn new(library: &'l Library, guides: Option<GuideChoice<'l>>) -> Self {
        Judge { library, guides }
    }

    /// Where definitions come from.
    #[must_use]
    pub fn library(&self) -> &'l Library {
        self.library
    }

    /// Judges a document under an envelope that has noted its header.
    #[must_use]
    pub fn document(&self, envelope: &Envelope, piece: &Piece<'_>) -> Judged {
        let (standard, mut folder) = folder_of(piece.syntax, envelope);
        let kind = &envelope.document_type;
        let mut faults = Vec::new();
        let syntax = &envelope.syntax_version;
        let mut found = self.library.in_syntax(standard, &folder, kind, syntax);
        if found.is_err()
            && let Some(nearest) = self.library.nearest(standard, &folder, kind)
        {
            faults.push(not_installed(piece, &folder, &nearest));
            found = self.library.in_syntax(standard, &nearest, kind, syntax);
            folder = nearest;
        }
        let placed = match found {
            Ok((document, directory)) => {
                let (placement, found) = validate(&document, &directory, &piece.run);
                faults.extend(found);
                // A missing trailer is the envelope check's finding.
                faults.retain(|one| one.fault != Fault::SegmentMissing || !["SE", "UNT"].contains(&&*one.tag));
                let choose = |choice: &GuideChoice<'_>| choice(piece.interchange, envelope, &document);
                if let Some(guide) = self.guides.as_ref().and_then(choose) {
                    faults.extend(follow(&guide, &document, &piece.run, &placement));
                }
                Some(Placed { document, directory, placement })
            }
            Err(_) => {
                faults.push(self.unknown_type(envelope, piece, standard, &folder));
                None
            }
        };
        if let Some(placed) = &placed {
            faults.extend(wrong_group(envelope, piece, &placed.document));
        }
        let report = DocumentReport {
            number: piece.document,
            envelope: envelope.clone(),
            header: piece.run.segment(0).map(|segment| HeaderValues::new(&segment)).unwrap_or_default(),
            version: folder,
            faults,
            offset: piece.run.offset,
            length: piece.run.bytes.len() as u64,
            segments: u32::try_from(piece.run.len()).unwrap_or(u32::MAX),
        };
        Judged { report, placed }
    }

    fn unknown_type(&self, envelope: &Envelope, piece: &Piece<'_>, standard: &str, folder: &str) -> Diagnostic {
        let at = if piece.syntax == Syntax::X12 { (1, 0) } else { (2, 1) };
        let kind = &envelope.document_type;
        let kinds = self.library.kinds(standard);
        let expected = format!("an installed document type{}", crate::near::hint(kind, &kinds));
        let found = if kind.is_empty() { "none named".to_owned() } else { format!("{standard}/{folder}/{kind}") };
        match piece.run.segment(0) {
            Some(header) => super::element_finding(piece.syntax, Fault::DocumentTypeUnknown, &header, at),
            None => Diagnostic::new(piece.syntax, Fault::DocumentTypeUnknown),
        }
        .because(expected, found)
    }
}

/// GS01 must be one that the document type travels under.
fn wrong_group(envelope: &Envelope, piece: &Piece<'_>, document: &Document) -> Option<Diagnostic> {
    let kind = &envelope.group_type;
    if kind.is_empty() || document.groups.is_empty() || document.groups.contains(kind) {
        return None;
    }
    let found = super::element_finding(piece.syntax, Fault::DocumentGroup, &piece.run.segment(0)?, (1, 0));
    let expected = format!("a group of type {}", document.groups.join(" or "));
    Some(found.because(expected, format!("{kind} holding {}", envelope.document_type)))
}

/// The version is not at hand, another took its place.
fn not_installed(piece: &Piece<'_>, asked: &str, used: &str) -> Diagnostic {
    let at = if piece.syntax == Syntax::X12 { (0, 0) } else { (2, 3) };
    let finding = match piece.run.segment(0) {
        Some(header) => super::element_finding(piece.syntax, Fault::VersionNearest, &header, at),
        None => Diagnostic::new(piece.syntax, Fault::VersionNearest),
    };
    finding.because(format!("an installed version, such as {used}, which was used"), asked)
}

/// Standard and folder name of the version that an envelope names: `D.96A` is `d96a`.
#[must_use]
pub fn folder_of(syntax: Syntax, envelope: &Envelope) -> (&'static str, String) {
    let folder = envelope.version.to_ascii_lowercase().replace('.', "");
    (if syntax == Syntax::X12 { "x12" } else { "edifact" }, folder)
}
