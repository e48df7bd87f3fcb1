//! What is told, in a mailbox, of a file that came from it and was refused, or of documents in it that have errors: one text
//! for each such file, by the commit that refuses it.

use crate::pipeline::state::Service;
use crate::store::Result;
use crate::store::commit::translate::End;
use crate::store::document::{DocumentFilter, NewDocument, Processing};
use crate::store::mailbox::{NewNote, Placing};
use crate::store::transmission::{Transmission, TransmissionState};
use crate::store::{Page, Store};
use serde_json::Value;
use std::fmt::Write as _;

/// Documents that are told of, at most.
const DOCUMENTS_MAX: usize = 100;
/// Findings of a document that are told, at most.
const FINDINGS_MAX: usize = 20;
/// What stands behind the name of the file that is told of.
const ENDING: &str = ".error.txt";

/// What one document is told to lack.
struct Told {
    number: i64,
    kind: String,
    business_number: Option<String>,
    reason: Option<String>,
    report: Value,
}

/// The text that the end of a transmission leaves in the mailbox that it came from; none where all went well, or where it came
/// another way. `fresh`: documents that the same commit writes.
///
/// # Errors
/// The ledger failed.
pub async fn of_end(
    service: &Service,
    transmission: &Transmission,
    end: &End,
    fresh: &[NewDocument],
) -> Result<Option<NewNote>> {
    let directory = service.directory();
    let mailbox = directory.channel(&transmission.channel).and_then(|channel| channel.mailbox.as_deref());
    let Some((name, mailbox)) = mailbox.and_then(|name| Some((name, directory.mailbox(name)?))) else {
        return Ok(None);
    };
    let documents = if end.state == TransmissionState::Split {
        failed(&service.store, transmission, fresh).await?
    } else {
        Vec::new()
    };
    if end.state != TransmissionState::Rejected && documents.is_empty() {
        return Ok(None);
    }
    let text = text(transmission, end, &documents);
    let content = service.store.content(text.as_bytes(), service.now()).await?;
    let file = transmission.file_name.as_deref().unwrap_or(&transmission.transmission_id);
    // Room for the ending and for a number.
    let file: String = file.chars().take(60).collect();
    let name = Placing { mailbox: name.to_owned(), folder: mailbox.errors.clone(), name: format!("{file}{ENDING}") };
    Ok(Some(NewNote { placing: name, content }))
}

async fn failed(store: &Store, transmission: &Transmission, fresh: &[NewDocument]) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    let filter = DocumentFilter {
        transmission_id: Some(transmission.transmission_id.clone()),
        processing: Some(Processing::Failed),
        ..DocumentFilter::default()
    };
    for one in store.documents(&filter, &Page::default()).await? {
        told.push(Told {
            number: one.number,
            kind: one.kind,
            business_number: one.business_number,
            reason: one.reason,
            report: serde_json::from_str(&one.report).unwrap_or_default(),
        });
    }
    let fresh = fresh.iter().filter(|one| one.processing == Some(Processing::Failed));
    told.extend(fresh.map(|one| Told {
        number: i64::from(one.number),
        kind: one.kind.clone(),
        business_number: one.business_number.clone(),
        reason: one.reason.clone(),
        report: one.report.clone(),
    }));
    told.sort_by_key(|one| one.number);
    Ok(told)
}

/// Facts and findings of the partner's own file; values in it are theirs.
fn text(transmission: &Transmission, end: &End, documents: &[Told]) -> String {
    let mut text = String::new();
    let file = transmission.file_name.as_deref().unwrap_or("-");
    let came = transmission.created_at.timestamp();
    // Writing to a String does not fail.
    let _ =
        writeln!(text, "File:         {file}\nReceived:     {came:.0}\nTransmission: {}", transmission.transmission_id);
    let _ = writeln!(text, "SHA-256:      {}\nBytes:        {}\n", transmission.digest, transmission.size);
    if end.state == TransmissionState::Rejected {
        let code = end.code.as_deref().unwrap_or("REJECTED");
        let _ = writeln!(
            text,
            "The file was refused; nothing of it was processed.\n{code}: {}",
            said(end.reason.as_deref())
        );
        return text;
    }
    let _ = writeln!(text, "{} with errors; these were not processed, the others were.\n", counted(documents.len()));
    for one in documents.iter().take(DOCUMENTS_MAX) {
        let number = one.business_number.as_deref().unwrap_or("without a number");
        let _ = writeln!(text, "Document {}: {} {number}\n  {}", one.number, one.kind, said(one.reason.as_deref()));
        for finding in one.report.as_array().into_iter().flatten().take(FINDINGS_MAX) {
            let word = |key: &str| finding[key].as_str().unwrap_or_default();
            let _ = writeln!(text, "  {}: {}", word("code"), word("message"));
            if !word("remedy").is_empty() {
                let _ = writeln!(text, "    {}", word("remedy"));
            }
        }
    }
    if documents.len() > DOCUMENTS_MAX {
        let _ = writeln!(text, "and {} more", documents.len() - DOCUMENTS_MAX);
    }
    text
}

fn counted(documents: usize) -> String {
    if documents == 1 { "1 document".to_owned() } else { format!("{documents} documents") }
}

fn said(reason: Option<&str>) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    reason.unwrap_or("no reason was told").chars().map(visible).collect()
}
