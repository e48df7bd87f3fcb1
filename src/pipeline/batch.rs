//! An interchange written document by document, so that a long one is never held. Reading it back, as `encode` does,
//! is for whoever passes the bytes on.

use super::encode::{Envelope, draft};
use super::map::Target;
use crate::codec::edifact::encode as edifact;
use crate::codec::segment::Writer;
use crate::codec::x12::encode as x12;
use crate::diagnostic::{Diagnostic, Syntax};
use crate::tree::{DocumentDraft, InterchangeDraft};

/// An interchange of one group that is still open.
pub struct Batch {
    syntax: Syntax,
    /// What its envelope says; its group holds no documents.
    head: InterchangeDraft,
    writer: Writer,
    documents: usize,
}

impl Batch {
    /// Writes the headers of an interchange of documents of one type.
    ///
    /// # Errors
    /// What they cannot hold.
    pub fn begin(target: &Target, envelope: Envelope) -> Result<Self, Vec<Diagnostic>> {
        let (syntax, head) = (target.syntax(), draft(target, envelope, Vec::new()));
        let mut writer = if syntax == Syntax::X12 { x12::begin(&head)? } else { edifact::begin(&head)? };
        writer.whole(|writer| {
            for group in &head.groups {
                match syntax {
                    Syntax::X12 => x12::begin_group(writer, &head, group),
                    _ => edifact::begin_group(writer, &head, group),
                }
            }
        })?;
        Ok(Batch { syntax, head, writer, documents: 0 })
    }

    /// Writes the next document; its control number is its place in the interchange.
    ///
    /// # Errors
    /// What of it cannot be written; then nothing of it is, and the next one takes its place.
    pub fn document(&mut self, mut document: DocumentDraft) -> Result<(), Vec<Diagnostic>> {
        document.control_number = (self.documents + 1).to_string();
        self.writer.whole(|writer| match self.syntax {
            Syntax::X12 => x12::document(writer, &document),
            _ => edifact::document(writer, &document),
        })?;
        self.documents += 1;
        Ok(())
    }

    /// Writes the trailers, and returns the bytes not taken yet.
    #[must_use]
    pub fn end(mut self) -> Vec<u8> {
        for group in &self.head.groups {
            match self.syntax {
                Syntax::X12 => x12::end_group(&mut self.writer, group, self.documents),
                _ => edifact::end_group(&mut self.writer, group, self.documents),
            }
        }
        match self.syntax {
            Syntax::X12 => x12::end(&mut self.writer, &self.head),
            _ => edifact::end(&mut self.writer, &self.head, self.documents),
        }
        self.writer.take()
    }

    /// The bytes written since last asked.
    pub fn take(&mut self) -> Vec<u8> {
        self.writer.take()
    }
}
