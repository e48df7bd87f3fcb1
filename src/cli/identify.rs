//! `portolan identify FILE`: one line a document, with format, parties, control numbers and type.

use super::Exit;
use super::input::{self, Definitions, JsonList};
use crate::codec::segment::{Envelope, FIRST_BYTES, Limits, Piece, PieceKind, Reader, seems, unfit_definitions};
use crate::diagnostic::{Fault, Syntax, quoted};
use crate::standard::load::Library;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan identify order.edi
  curl -s https://partner.example/out | portolan identify - --json")]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
    #[command(flatten)]
    definitions: Definitions,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let library = arguments.definitions.library()?;
    let mut reader = Reader::new(input::open(&arguments.file)?, Limits::default()).knowing(&library);
    let mut found = Found {
        library,
        envelope: Envelope::default(),
        interchanges: 0,
        open: None,
        list: as_json.then(JsonList::default),
    };
    let (mut first, mut ambiguous) = (Vec::new(), None);
    while let Some(piece) = reader.next()? {
        if piece.kind == PieceKind::Between && found.interchanges == 0 {
            let room = FIRST_BYTES.saturating_sub(first.len());
            first.extend(piece.run.bytes.iter().take(room));
            let finding = piece.faults.iter().find(|finding| finding.fault == Fault::FormatUnknown);
            ambiguous = ambiguous.or(finding.map(|finding| finding.found.clone()));
        }
        found.take(&piece)?;
    }
    found.empty()?;
    if found.interchanges == 0 {
        let words = match ambiguous {
            Some(fits) => format!("it fits {fits}; say which it is: --as STANDARD/VERSION/TYPE"),
            None => unrecognised(&first),
        };
        eprintln!("{}: {words}", arguments.file.display());
        unfit_definitions(&found.library).for_each(|finding| eprintln!("{}", finding.message()));
        return Ok(Exit::Invalid);
    }
    found.list.map(JsonList::end).transpose()?;
    Ok(Exit::Ok)
}

/// The sentence for an input without any interchange.
pub fn unrecognised(first: &[u8]) -> String {
    let known = "X12 (begins with ISA), EDIFACT (UNA or UNB), XML documents of a known root and files of a known layout (--as) can be read";
    if first.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return format!("nothing in it; {known}");
    }
    let guess = seems(first);
    let verb = if guess.starts_with('"') { "begins with" } else { "seems to be" };
    let own = "a format of your own wants a definition: see docs/FORMATS.md; `portolan standards infer FILE` drafts that of a table";
    format!("not recognised; it {verb} {guess}; {known}; {own}")
}

/// What was found so far.
struct Found {
    library: Library,
    envelope: Envelope,
    interchanges: u32,
    /// Syntax and offset of an interchange in which no document has come yet.
    open: Option<(Syntax, u64)>,
    list: Option<JsonList>,
}

impl Found {
    fn take(&mut self, piece: &Piece<'_>) -> anyhow::Result<()> {
        if piece.kind == PieceKind::InterchangeHeader {
            self.empty()?;
            self.interchanges += 1;
            self.open = Some((piece.syntax, piece.run.offset));
        }
        self.envelope.note(piece, &self.library);
        if piece.kind != PieceKind::Document {
            return Ok(());
        }
        self.open = None;
        self.put(piece.syntax, Some((piece.group, piece.document)), piece.run.offset)
    }

    /// An interchange that had no document: a TA1 alone, or nothing.
    fn empty(&mut self) -> anyhow::Result<()> {
        match self.open.take() {
            Some((syntax, offset)) => self.put(syntax, None, offset),
            None => Ok(()),
        }
    }

    fn put(&mut self, syntax: Syntax, ordinals: Option<(u32, u32)>, offset: u64) -> anyhow::Result<()> {
        let standard = self.envelope.standard_in(syntax);
        let (group, document) = ordinals.unzip();
        if let Some(list) = &mut self.list {
            return list.item(&json!({ "standard": standard, "interchange": self.interchanges, "group": group,
                "document": document, "offset": offset, "envelope": self.envelope }));
        }
        let Envelope { sender, receiver, version, document_type, .. } = &self.envelope;
        let what = match ordinals {
            Some(_) => said([version, document_type, &self.envelope.document_control_number]),
            None => "no document".to_owned(),
        };
        let test = if self.envelope.test { ", test" } else { "" };
        let control = said([&self.envelope.interchange_control_number]);
        let (sender, receiver) = (said([&sender.value]), said([&receiver.value]));
        let line = format!("{standard} {what} from {sender} to {receiver}, interchange {control}{test}\n");
        input::print(line.as_bytes())
    }
}

/// What an envelope says, as far as a line has room for it, or that it says nothing.
fn said<const N: usize>(facts: [&str; N]) -> String {
    let facts: Vec<String> = facts.into_iter().filter(|fact| !fact.is_empty()).map(quoted).collect();
    if facts.is_empty() { "(not given)".to_owned() } else { facts.join(" ") }
}
