//! Judges one document: which definition it follows, and everything that is wrong with its content. It looks at nothing
//! but the document, the envelope above it, and definitions and guides, so that documents may be judged in any order and by
//! several threads at once. What only the whole envelope shows is `EnvelopeCheck`'s.

use super::{DocumentReport, Envelope, HeaderValues, Piece};
use crate::codec::content::Projected;
use crate::codec::table::{self, Sheet};
use crate::codec::{json, xml};
use crate::diagnostic::{Diagnostic, Fault, Syntax, keep};
use crate::standard::definition::{Directory, Document};
use crate::standard::guide::Guide;
use crate::standard::load::{Library, LoadError};
use crate::standard::place::{Placement, place};
use crate::standard::validate::{follow, validate_but};
use crate::tree::Run;
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
    /// The segments of a document that has none of its own.
    pub projected: Option<Arc<Projected>>,
    /// What was known of the file that it came in, where its definition lays it out.
    pub sheet: Option<Arc<Sheet>>,
}

impl Placed {
    /// Places a document by another definition than the one that it was checked against; `run` is that of the piece.
    #[must_use]
    pub fn anew(&self, document: Arc<Document>, directory: Arc<Directory>, run: &Run<'_>) -> Self {
        let sheet = self.sheet.as_ref().map(|sheet| Arc::new(Sheet::clone(sheet).of(&document)));
        if document.markup.is_some() {
            let (projected, placement, _) = projected(&document, sheet.as_deref(), run);
            return Placed { document, directory, placement, projected: Some(Arc::new(projected)), sheet };
        }
        let (placement, _) = place(&document, &directory, run);
        Placed { document, directory, placement, projected: None, sheet: None }
    }

    /// The segments: those of the piece, or what was made of it.
    #[must_use]
    pub fn run<'r>(&'r self, piece: &Run<'r>) -> Run<'r> {
        self.projected.as_ref().map_or(*piece, |projected| projected.run())
    }

    /// Says of findings about these segments where in the input they are.
    pub fn locate(&self, findings: &mut [Diagnostic]) {
        if let Some((projected, markup)) = self.projected.as_ref().zip(self.document.markup.as_ref()) {
            findings.iter_mut().for_each(|finding| projected.locate(markup, finding));
        }
    }
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
    /// The report holds for what was left out of it too, as far as its order goes.
    pub is_sure: bool,
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
        let standard = standard.as_str();
        let kind = &envelope.document_type;
        let (mut faults, mut is_sure) = (Vec::new(), true);
        let syntax = &envelope.syntax_version;
        let mut found = self.library.in_syntax(standard, &folder, kind, syntax);
        if matches!(found, Err(LoadError::Unknown(_)))
            && let Some(nearest) = self.library.nearest(standard, &folder, kind)
        {
            faults.push(not_installed(piece, &folder, &nearest));
            found = self.library.in_syntax(standard, &nearest, kind, syntax);
            folder = nearest;
        }
        let placed = match found {
            Ok((document, directory)) => {
                let (projected, placement, found) = if piece.syntax.is_by_contents() {
                    let (projected, placement, found) = projected(&document, piece.sheet.as_deref(), &piece.run);
                    (Some(Arc::new(projected)), placement, found)
                } else {
                    let (placement, found, have_places) =
                        validate_but(&document, &directory, &piece.run, piece.left_out);
                    is_sure = have_places;
                    (None, placement, found)
                };
                found.into_iter().for_each(|finding| keep(&mut faults, finding));
                let placed = Placed { document, directory, placement, projected, sheet: piece.sheet.clone() };
                // A missing trailer is the envelope check's finding.
                faults.retain(|one| one.fault != Fault::SegmentMissing || !["SE", "UNT"].contains(&&*one.tag));
                let choose = |choice: &GuideChoice<'_>| choice(piece.interchange, envelope, &placed.document);
                if let Some(guide) = self.guides.as_ref().and_then(choose) {
                    // A guide asks for more than the standard, of what was left out too.
                    is_sure &= piece.left_out.is_empty();
                    let mut broken = follow(&guide, &placed.document, &placed.run(&piece.run), &placed.placement);
                    placed.locate(&mut broken);
                    faults.retain(|finding| !guide.allows(finding, &placed.directory));
                    broken.into_iter().for_each(|finding| keep(&mut faults, finding));
                }
                Some(placed)
            }
            Err(error) => {
                let of_root =
                    || self.library.rooted(kind).into_iter().filter_map(Result::err).find_map(LoadError::malformed);
                let is_markup = piece.syntax == Syntax::Xml;
                let malformed = error.malformed().or_else(|| if is_markup { of_root() } else { None });
                faults.push(match malformed {
                    Some(error) => malformed_definition(piece, &error),
                    None => self.unknown_type(envelope, piece, standard, &folder),
                });
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
            segments: u32::try_from(
                placed.as_ref().map_or(piece.run, |placed| placed.run(&piece.run)).len() + piece.segments()
                    - piece.run.len(),
            )
            .unwrap_or(u32::MAX),
        };
        Judged { report, placed, is_sure }
    }

    fn unknown_type(&self, envelope: &Envelope, piece: &Piece<'_>, standard: &str, folder: &str) -> Diagnostic {
        let at = if piece.syntax == Syntax::X12 { (1, 0) } else { (2, 1) };
        let kind = &envelope.document_type;
        if piece.syntax == Syntax::Xml {
            let finding = Diagnostic::new(Syntax::Xml, Fault::DocumentTypeUnknown);
            let finding = finding.at(piece.run.offset, 0, piece.run.line);
            return finding.because("the root element of an installed document type", xml::root(&piece.run));
        }
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

/// A document without segments of its own, laid out as such.
fn projected(document: &Document, sheet: Option<&Sheet>, run: &Run<'_>) -> (Projected, Placement, Vec<Diagnostic>) {
    match sheet {
        Some(sheet) if sheet.layout().syntax == Syntax::Json => json::project(sheet, run.bytes, run.offset, run.line),
        Some(sheet) => table::project(sheet, run.bytes, run.offset, run.line),
        None => xml::project(document, run),
    }
}

/// One of our own files is wrong; the finding stands where the document begins.
fn malformed_definition(piece: &Piece<'_>, error: &LoadError) -> Diagnostic {
    let finding = Diagnostic::new(piece.syntax, error.fault()).at(piece.run.offset, 0, piece.run.line);
    finding.because(error.to_string(), "")
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
pub fn folder_of(syntax: Syntax, envelope: &Envelope) -> (String, String) {
    let folder = || envelope.version.to_ascii_lowercase().replace('.', "");
    let folder = if syntax.is_by_contents() { envelope.version.clone() } else { folder() };
    (envelope.standard_in(syntax).to_owned(), folder)
}
