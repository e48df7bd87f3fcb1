//! An interchange written document by document, so that a long one is never held. Reading it back, as `encode` does,
//! is for whoever passes the bytes on. Of XML, an interchange holds one document; a table holds as many as there are.

use super::Rules;
use super::encode::{Envelope, draft};
use super::map::Target;
use crate::codec::edifact::encode as edifact;
use crate::codec::segment::Writer;
use crate::codec::x12::encode as x12;
use crate::codec::{json, table, xml};
use crate::diagnostic::{Diagnostic, Syntax};
use crate::standard::definition::Document;
use crate::standard::layout::Layout;
use crate::standard::load::LoadError;
use crate::tree::{DocumentDraft, InterchangeDraft};
use std::sync::Arc;

/// An interchange of one group that is still open.
pub struct Batch {
    syntax: Syntax,
    /// What its envelope says; its group holds no documents.
    head: InterchangeDraft,
    writer: Writer,
    /// The definition of an XML document, and its bytes.
    markup: Option<(Arc<Document>, Vec<u8>)>,
    /// Of a table, the keys of its documents.
    keys: table::Keys,
    documents: usize,
}

impl Batch {
    /// Writes the headers of an interchange of documents of one type.
    ///
    /// # Errors
    /// What they cannot hold.
    pub fn begin(rules: &Rules, target: &Target, envelope: Envelope) -> Result<Self, Vec<Diagnostic>> {
        let (syntax, head) = (target.syntax(), draft(target, envelope, Vec::new()));
        if syntax.is_by_contents() {
            let definition = rules.library.document(&target.standard, &target.version, &target.document);
            let missing =
                |error: LoadError| vec![Diagnostic::new(syntax, error.fault()).because(error.to_string(), "")];
            let definition = definition.map_err(missing)?;
            let header = table::header(&definition);
            let markup = Some((definition, header));
            let writer = Writer::new(syntax, &head.style);
            return Ok(Batch { syntax, writer, head, markup, keys: table::Keys::default(), documents: 0 });
        }
        let mut writer = if syntax == Syntax::X12 { x12::begin(&head)? } else { edifact::begin(&head)? };
        writer.whole(|writer| {
            for group in &head.groups {
                match syntax {
                    Syntax::X12 => x12::begin_group(writer, &head, group),
                    _ => edifact::begin_group(writer, &head, group),
                }
            }
        })?;
        Ok(Batch { syntax, head, writer, markup: None, keys: table::Keys::default(), documents: 0 })
    }

    /// Writes the next document; its control number is its place in the interchange.
    ///
    /// # Errors
    /// What of it cannot be written; then nothing of it is, and the next one takes its place.
    pub fn document(&mut self, mut document: DocumentDraft) -> Result<(), Vec<Diagnostic>> {
        if let Some((definition, bytes)) = &mut self.markup {
            if definition.layout().is_some() {
                if definition.syntax() == Syntax::Json {
                    bytes.extend(json::document(definition, &self.head, &document)?);
                } else {
                    let rows = table::document(definition, &self.head, &document)?;
                    self.keys.take(definition, &self.head, &document)?;
                    bytes.extend(rows);
                }
                self.documents += 1;
                return Ok(());
            }
            let mut whole = self.head.clone();
            whole.groups.iter_mut().for_each(|group| group.documents = vec![document.clone()]);
            *bytes = xml::encode(definition, &whole)?;
            self.documents += 1;
            return Ok(());
        }
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
        if let Some((_, bytes)) = self.markup {
            return bytes;
        }
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

    /// Whether the interchange can hold another document.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let holds_many = |(definition, _): &(Arc<Document>, Vec<u8>)| {
            let content = definition.markup.as_deref().map_or("", |markup| &markup.content);
            definition.layout().is_some_and(|layout| layout.holds_many(content))
        };
        self.markup.as_ref().is_none_or(holds_many) || self.documents == 0
    }

    /// A file holds the documents of several interchanges one after another: nothing of it stands around them.
    #[must_use]
    pub fn is_open_ended(&self) -> bool {
        let rows = |layout: &Layout| layout.syntax != Syntax::Json;
        self.markup.as_ref().is_some_and(|(definition, _)| definition.layout().is_some_and(rows))
    }

    /// Whether the documents between these parties may stand in it.
    #[must_use]
    pub fn is_between(&self, envelope: &Envelope) -> bool {
        (&self.head.sender, &self.head.receiver) == (&envelope.sender, &envelope.receiver)
    }

    /// The bytes written since last asked.
    pub fn take(&mut self) -> Vec<u8> {
        if let Some((_, bytes)) = &mut self.markup {
            return std::mem::take(bytes);
        }
        self.writer.take()
    }
}
