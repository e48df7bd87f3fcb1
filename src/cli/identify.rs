//! `portolan identify FILE`: one line a document, with format, parties, control numbers and type.

use super::{Exit, input};
use crate::codec::segment::{Envelope, Limits, PieceKind, Reader};
use crate::diagnostic::Syntax;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
}

pub fn run(arguments: &Arguments, json: bool) -> anyhow::Result<Exit> {
    let mut reader = Reader::new(input::open(&arguments.file)?, Limits::default());
    let mut envelope = Envelope::default();
    let mut found = Vec::new();
    let mut interchanges = 0;
    while let Some(piece) = reader.next()? {
        envelope.note(&piece);
        interchanges += usize::from(piece.kind == PieceKind::InterchangeHeader);
        if piece.kind != PieceKind::Document {
            continue;
        }
        let standard = if piece.syntax == Syntax::X12 { "x12" } else { "edifact" };
        if json {
            found.push(json!({ "standard": standard, "interchange": piece.interchange, "group": piece.group,
                "document": piece.document, "offset": piece.run.offset, "envelope": envelope }));
        } else {
            let Envelope { sender, receiver, version, document_type, .. } = &envelope;
            let line = format!(
                "{standard} {version} {document_type} {} from {} to {}, interchange {}{}\n",
                envelope.document_control_number,
                sender.value,
                receiver.value,
                envelope.interchange_control_number,
                if envelope.test { ", test" } else { "" },
            );
            input::print(line.as_bytes())?;
        }
    }
    if interchanges == 0 {
        eprintln!(
            "{}: not recognised: expected an X12 (ISA) or EDIFACT (UNA, UNB) interchange",
            arguments.file.display()
        );
        return Ok(Exit::Invalid);
    }
    if json {
        input::print_json(&json!(found))?;
    }
    Ok(Exit::Ok)
}
