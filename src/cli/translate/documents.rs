//! Entities into documents of another type: one interchange for each they came in, written document by document and
//! read back as its receiver will, so that nothing is held but the document at hand.

use super::source::Source;
use super::{Next, Output, tell};
use crate::cli::input::Sink;
use crate::cli::own::Own;
use crate::cli::{Exit, input};
use crate::clock::{Clock as _, SystemClock};
use crate::codec::segment::{Inspection, Limits, PieceKind, Reader};
use crate::diagnostic::{Diagnostic, Syntax, is_clean};
use crate::engine::Rules;
use crate::engine::batch::Batch;
use crate::engine::encode::Envelope;
use crate::engine::map::{Target, map_by};
use crate::entity::Entity;
use crate::entity::split::{self, SplitPart, SplitRule};
use crate::pipeline::echo;
use crate::standard::guide::Guide;
use crate::tree::{DocumentDraft, Style};
use anyhow::Context as _;
use std::io::{self, Read};
use std::sync::Arc;

/// What turns an entity into a document; it knows of no other, so several threads may use it.
pub struct Drafting<'r> {
    pub(super) rules: &'r Rules,
    target: Target,
    own: Own,
    /// Earlier documents that answers take from.
    known: Option<Vec<Entity>>,
    /// How one is cut into several.
    split: Option<SplitRule>,
}

/// What an entity becomes, waiting for its place in an interchange, with what was found on the way.
pub struct Drafted {
    /// Several where it is cut, none when it cannot be made.
    drafts: Vec<DocumentDraft>,
    findings: Vec<Diagnostic>,
}

impl<'r> Drafting<'r> {
    /// By the rules and the partner's own; `known` are earlier documents, where there are any to take from, and by `split`
    /// one is cut into several.
    pub fn new(
        rules: &'r Rules,
        target: Target,
        own: Own,
        known: Option<Vec<Entity>>,
        split: Option<SplitRule>,
    ) -> Self {
        Drafting { rules, target, own, known, split }
    }

    /// The document that says what the entity says, or the documents that together do.
    pub fn draft(&self, entity: &Entity) -> Drafted {
        let (rules, target) = (self.rules, &self.target);
        let (entity, mut findings) = match (echo::origin(rules, target, entity), &self.known) {
            (Some(origin), Some(known)) => echo::echo(&origin, entity, known),
            _ => (entity.clone(), Vec::new()),
        };
        let means = self.own.means(&target.standard, &target.version, &target.document);
        let whole = |entity| Ok(vec![SplitPart { entity, findings: Vec::new() }]);
        let parts = match &self.split {
            Some(rule) => split::split(&entity, rule),
            None => whole(entity),
        };
        let mut drafts = Vec::new();
        match parts {
            Ok(parts) => {
                for part in parts {
                    findings.extend(part.findings);
                    match map_by(rules, &means, target, &part.entity, "") {
                        Ok((draft, more)) => {
                            findings.extend(more);
                            drafts.push(draft);
                        }
                        Err(finding) => findings.push(*finding),
                    }
                }
            }
            Err(more) => findings.extend(more),
        }
        Drafted { drafts, findings }
    }
}

/// Writes every source as a document of the target type.
pub fn write(
    output: &Output,
    drafting: &Drafting<'_>,
    guide: Option<Arc<Guide>>,
    next: &mut Next<'_>,
) -> anyhow::Result<Exit> {
    let (rules, target) = (drafting.rules, &drafting.target);
    let definition = rules.library.document(&target.standard, &target.version, &target.document).ok();
    let library = rules.library.telling(definition.as_ref());
    let writing = Writing { output, drafting, next, open: None, control: 0, valid: true, written: 0, dropped: 0 };
    let sink = output.sink();
    let mut reader =
        Reader::new(Passing { writing, sink, bytes: Vec::new(), read: 0, failed: None }, Limits::default())
            .knowing(&library);
    let mut inspection = Inspection::new(&library).guided(guide.map(input::by_guide));
    let mut valid = true;
    let mut judge = |name: &str, findings: &[Diagnostic]| {
        valid &= is_clean(findings);
        tell(name, findings);
    };
    loop {
        let piece = match reader.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => return Err(reader.source_mut().failed.take().unwrap_or_else(|| error.into())),
        };
        let is_document = piece.kind == PieceKind::Document;
        inspection.take(&piece);
        if let Some(report) = inspection.document().filter(|_| is_document) {
            judge(&format!("output {}", report.envelope.document_control_number), &report.faults);
        }
        judge("output", &inspection.envelope_faults());
        for report in inspection.finished() {
            judge("output", &report.envelope_faults().cloned().collect::<Vec<_>>());
        }
        inspection.forget_documents();
    }
    let Passing { writing, sink, .. } = reader.source_mut();
    sink.end()?;
    if writing.written == 0 {
        eprintln!("portolan: no document to write");
        return Ok(if writing.dropped > 0 && writing.valid { Exit::Ok } else { Exit::Invalid });
    }
    Ok(if valid && writing.valid { Exit::Ok } else { Exit::Invalid })
}

/// What turns sources into the bytes of interchanges.
struct Writing<'w> {
    output: &'w Output,
    drafting: &'w Drafting<'w>,
    next: &'w mut Next<'w>,
    /// The interchange being written, and the ordinal of the one it comes from.
    open: Option<(u32, Batch)>,
    /// Interchanges begun so far.
    control: u64,
    valid: bool,
    written: usize,
    /// Documents that a transformation dropped.
    dropped: usize,
}

impl Writing<'_> {
    /// The next bytes, those of a document with what stands between it and the one before; none at the end.
    fn bytes(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        while let Some(mut source) = (self.next)()? {
            tell(&source.name, &source.report);
            self.valid &= source.is_valid();
            self.dropped += usize::from(source.is_dropped);
            let bytes = self.document(&mut source)?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(self.open.take().map(|(_, batch)| batch.end()))
    }

    /// The bytes of what one document becomes; none when it cannot be written, which is told.
    fn document(&mut self, source: &mut Source) -> anyhow::Result<Vec<u8>> {
        let Some(entity) = &source.entity else { return Ok(Vec::new()) };
        let Drafted { drafts, mut findings } = source.drafted.take().unwrap_or_else(|| self.drafting.draft(entity));
        let mut bytes = Vec::new();
        let count = drafts.len();
        for (at, draft) in drafts.into_iter().enumerate() {
            if let (1.., Some((_, batch))) = (at, &self.open) {
                let name = &source.name;
                let said = "documents, and a file of this type holds one; the service sends a file for each";
                anyhow::ensure!(batch.has_room(), "{name}: it is split into {count} {said}");
            }
            let batch = self.batch(source, &mut bytes)?;
            match batch.document(draft) {
                Ok(()) => {
                    bytes.append(&mut batch.take());
                    self.written += 1;
                }
                Err(more) => findings.extend(more),
            }
        }
        self.valid &= is_clean(&findings);
        tell(&source.name, &findings);
        Ok(bytes)
    }

    /// The interchange that a source's document goes into; the one before is ended when it came in another.
    fn batch(&mut self, source: &Source, bytes: &mut Vec<u8>) -> anyhow::Result<&mut Batch> {
        if let Some((_, batch)) = &self.open
            && !batch.has_room()
            && !batch.is_open_ended()
        {
            anyhow::bail!(
                "{}: a file of XML or JSON is written with one document, and the input has more; split it first",
                source.name
            );
        }
        let is_over = |batch: &Batch, from: u32| match batch.is_open_ended() {
            true => !batch.has_room(),
            false => from != source.interchange,
        };
        if let Some((from, batch)) = &self.open
            && batch.is_open_ended()
            && *from != source.interchange
            && batch.has_room()
        {
            let is_same = batch.is_between(&self.envelope(source)?);
            anyhow::ensure!(is_same, "{}: other parties than those of the file; split the input first", source.name);
        }
        if let Some((_, batch)) = self.open.take_if(|(from, batch)| is_over(batch, *from)) {
            bytes.append(&mut batch.end());
        }
        if self.open.is_none() {
            let envelope = self.envelope(source)?;
            let batch = Batch::begin(self.drafting.rules, &self.drafting.target, envelope).map_err(|findings| {
                let words: Vec<_> = findings.iter().map(Diagnostic::message).collect();
                anyhow::anyhow!("the envelope cannot be written: {}", words.join("; "))
            })?;
            self.open = Some((source.interchange, batch));
            self.control += 1;
        }
        self.open.as_mut().map(|(_, batch)| batch).context("an open interchange")
    }

    fn envelope(&self, source: &Source) -> anyhow::Result<Envelope> {
        let party = |given: &Option<String>, at: usize| -> anyhow::Result<[String; 2]> {
            if let Some(given) = given {
                let (qualifier, id) = given
                    .split_once(':')
                    .with_context(|| format!("{given}: expected QUALIFIER:ID, such as ZZ:ACME"))?;
                return Ok([qualifier.to_owned(), id.to_owned()]);
            }
            let (standard, ids) = source
                .parties
                .as_ref()
                .context("the source names no parties; give --sender QUALIFIER:ID and --receiver QUALIFIER:ID")?;
            Ok(counterpart(self.drafting.rules, standard, &self.drafting.target.codes, &ids[at]))
        };
        let now = self.output.now.unwrap_or_else(|| SystemClock.now());
        let is_x12 = self.drafting.target.syntax() == Syntax::X12;
        let test = match self.output.environment.as_deref() {
            Some(environment) => environment == "test",
            None => source.test,
        };
        let control_number = self.control_number()?;
        Ok(Envelope {
            sender: party(&self.output.sender, 0)?,
            receiver: party(&self.output.receiver, 1)?,
            group_parties: Default::default(),
            group_version: String::new(),
            group_control_number: control_number.clone(),
            control_number,
            prepared: now.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
            test,
            acknowledgment_requested: false,
            style: if is_x12 { Style::x12() } else { Style::edifact() },
        })
    }

    /// The number given for the first interchange; further ones count on.
    fn control_number(&self) -> anyhow::Result<String> {
        let given = &self.output.control;
        if self.control == 0 {
            return Ok(given.clone());
        }
        let first: u64 = given.parse().with_context(|| {
            format!("--control {given}: the input holds several interchanges; expected a number to count on from")
        })?;
        Ok(format!("{:0>width$}", first.saturating_add(self.control), width = given.len()))
    }
}

/// A party id of an envelope with the codes of one standard, as it is said with those of the other.
fn counterpart(rules: &Rules, from: &str, to: &str, [qualifier, id]: &[String; 2]) -> [String; 2] {
    if from == to {
        return [qualifier.clone(), id.clone()];
    }
    const LIST: &str = "envelope_scheme";
    let codes = rules.mappings.codes();
    let canonical = codes.canonical(LIST, from, qualifier).unwrap_or_else(|| "mutual".into());
    let written = codes.preferred(LIST, to, &canonical).or_else(|| codes.preferred(LIST, to, "mutual"));
    [written.unwrap_or_default().into(), id.clone()]
}

/// The bytes on their way out, read by whoever checks them.
struct Passing<'w> {
    writing: Writing<'w>,
    sink: Sink,
    bytes: Vec<u8>,
    /// How many of `bytes` were read.
    read: usize,
    /// Why no more come, which [`io::Error`] cannot say.
    failed: Option<anyhow::Error>,
}

impl Read for Passing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.bytes.len() {
            let passed = self.writing.bytes().map(Option::unwrap_or_default).and_then(|bytes| {
                self.sink.put(&bytes)?;
                Ok(bytes)
            });
            (self.bytes, self.read) = match passed {
                Ok(bytes) => (bytes, 0),
                Err(error) => {
                    self.failed = Some(error);
                    return Err(io::Error::other("the interchange cannot be written"));
                }
            };
        }
        let count = buffer.len().min(self.bytes.len() - self.read);
        buffer[..count].copy_from_slice(&self.bytes[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}
