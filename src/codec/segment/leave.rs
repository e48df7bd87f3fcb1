//! What leaves is read again as its receiver reads it. Of items that are alike one of each form is read in a document: the
//! texts of the others are judged while they are written, and where their segments stand is counted without them. A reading
//! that left something out tells nothing but that a document is without fault; else all of the document is read.

use super::{Inspection, InterchangeReport, Limits, Piece, PieceKind, Placed, Reader, index};
use crate::standard::definition::Directory;
use crate::standard::place::LeftOut;
use crate::standard::validate::TextRules;
use crate::tree::{DraftForm, Index, Laid, Run, Separators};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

/// An interchange as it was written.
pub struct Written {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What of it was judged while it was written, where that was asked for.
    pub(super) leaving: Option<Leaving>,
}

impl From<Vec<u8>> for Written {
    /// Nothing of it was judged.
    fn from(bytes: Vec<u8>) -> Self {
        Written { bytes, leaving: None }
    }
}

/// Judges the items of documents while they are written.
pub(super) struct Leaving {
    directory: Arc<Directory>,
    separators: Separators,
    /// Line feeds behind each segment.
    lines_of_segment: u64,
    forms: Vec<Known>,
    documents: usize,
    /// Segments of the document at hand that need not be read.
    passed: usize,
    /// The stretches of bytes that need not be read, in order, and what they are.
    stretches: Vec<Range<usize>>,
    left_out: Vec<LeftOut>,
}

/// A form whose items were written.
struct Known {
    form: Arc<DraftForm>,
    /// The rules of its texts; none where each item is to be read.
    rules: Option<TextRules>,
    /// The document that had it last, and the segments of the item that is read there.
    read: (usize, Range<usize>),
}

impl Leaving {
    pub(super) fn new(directory: Arc<Directory>, separators: Separators, line_end: &str) -> Self {
        let (forms, stretches, left_out) = (Vec::new(), Vec::new(), Vec::new());
        let ends = [separators.segment].into_iter().chain(line_end.bytes());
        let lines_of_segment = ends.filter(|byte| *byte == b'\n').count() as u64;
        Leaving { directory, separators, lines_of_segment, forms, documents: 0, passed: 0, stretches, left_out }
    }

    /// A document begins.
    pub(super) fn begin_document(&mut self) {
        (self.documents, self.passed) = (self.documents + 1, 0);
    }

    /// Takes an item that was written at once, all of it plain: its bytes, and its segments, counted in the document.
    pub(super) fn item(&mut self, item: &Laid, bytes: Range<usize>, segments: Range<usize>) {
        let at = self.forms.iter().position(|one| Arc::ptr_eq(&one.form, item.form())).unwrap_or_else(|| {
            let (form, rules) = (item.form().clone(), TextRules::of(item.form(), &self.directory));
            self.forms.push(Known { form, rules, read: (0, 0..0) });
            self.forms.len() - 1
        });
        let known = &mut self.forms[at];
        let (count, behind) = (segments.len(), segments.start - self.passed);
        if known.read.0 != self.documents {
            known.read = (self.documents, behind..behind + count);
            return;
        }
        let are_allowed = |rules: &TextRules| rules.allow(item.item(), &self.directory, self.separators);
        let may_be_long = bytes.len() > Limits::default().segment_bytes_max;
        if may_be_long || !known.rules.as_ref().is_some_and(are_allowed) {
            return;
        }
        self.passed += count;
        if let (Some(stretch), Some(last)) = (self.stretches.last_mut(), self.left_out.last_mut())
            && stretch.end == bytes.start
            && last.like == known.read.1
        {
            (stretch.end, last.times) = (bytes.end, last.times + 1);
            return;
        }
        self.stretches.push(bytes);
        self.left_out.push(LeftOut { behind, like: known.read.1.clone(), times: 1 });
    }
}

/// The bytes without some stretches.
struct Abridged<'w> {
    bytes: &'w [u8],
    at: usize,
    stretches: std::slice::Iter<'w, Range<usize>>,
}

impl Read for Abridged<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < buffer.len() {
            let next = self.stretches.as_slice().first();
            let end = next.map_or(self.bytes.len(), |next| next.start);
            let taken = (end - self.at).min(buffer.len() - count);
            buffer[count..count + taken].copy_from_slice(&self.bytes[self.at..self.at + taken]);
            (count, self.at) = (count + taken, self.at + taken);
            if self.at < end {
                break;
            }
            let Some(stretch) = self.stretches.next() else { break };
            self.at = stretch.end;
        }
        Ok(count)
    }
}

/// The reports of what was written, and how many documents had to be read whole though something was left out of them.
type Reading = (Vec<InterchangeReport>, usize);

impl Inspection<'_> {
    /// The reports of whoever receives an interchange that was written.
    ///
    /// # Errors
    /// A document over the limit.
    pub fn written(self, written: &Written) -> io::Result<Vec<InterchangeReport>> {
        let short = self.anew().abridged(written);
        let read = || self.whole(written.bytes.as_slice(), Limits::default());
        let Some((short, _)) = short else { return read() };
        // The tests of debug builds go both ways.
        if cfg!(debug_assertions) {
            assert_eq!(format!("{short:?}"), format!("{:?}", read()?), "what was left out is as what was read");
        }
        Ok(short)
    }

    /// The same where nothing need be read but what was not judged while it was written, and the documents of which that does
    /// not say that all is without fault.
    fn abridged(mut self, written: &Written) -> Option<Reading> {
        let limits = Limits::default();
        let leaving = written.leaving.as_ref()?;
        if leaving.stretches.is_empty() || written.bytes.len() > limits.document_bytes_max {
            return None;
        }
        let (judge, stretches) = (self.judge(), leaving.stretches.iter());
        let source = Abridged { bytes: &written.bytes, at: 0, stretches };
        let mut reader = Reader::new(source, limits).knowing(judge.library());
        // How many stretches are behind, and the bytes and lines of them.
        let (mut at, mut passed, mut lines) = (0, 0, 0);
        let (mut index, mut read_whole) = (Index::default(), 0);
        while let Some(mut piece) = reader.next().ok()? {
            (piece.run.offset, piece.run.line) = (piece.run.offset + passed, piece.run.line + lines);
            let (first, before) = (at, passed);
            let end = piece.run.offset + piece.run.bytes.len() as u64;
            while let Some(next) = leaving.stretches.get(at).filter(|next| (next.start as u64) < end + passed - before)
            {
                passed += next.len() as u64;
                lines += leaving.left_out[at].segments() as u64 * leaving.lines_of_segment;
                at += 1;
            }
            // The reader does not know of what it did not see, and tells other places.
            if passed > 0 && !piece.faults.is_empty() {
                return None;
            }
            if first == at {
                self.take(&piece);
                continue;
            }
            let is_document = piece.kind == PieceKind::Document && !piece.run.index.wrapped;
            if !is_document || *piece.run.separators != leaving.separators {
                return None;
            }
            piece.left_out = &leaving.left_out[first..at];
            let judged = self.judged(&piece)?;
            let by_same = |placed: &Placed| Arc::ptr_eq(&placed.directory, &leaving.directory);
            if judged.is_sure && judged.report.faults.is_empty() && judged.placed.as_ref().is_some_and(by_same) {
                let mut report = judged.report;
                report.length += passed - before;
                self.put_piece(&piece, Some(report));
                // What the envelope shows of it has its place in the whole document.
                if !self.document()?.faults.is_empty() {
                    return None;
                }
                continue;
            }
            let range = piece.run.offset as usize..(end + passed - before) as usize;
            let bytes = written.bytes.get(range)?;
            index::index(bytes, piece.run.separators, &mut index);
            let run = Run { bytes, index: &index, ..piece.run };
            if run.segments().any(|segment| matches!(segment.tag(), b"BIN" | b"BDS")) {
                return None;
            }
            read_whole += 1;
            self.take(&Piece { run, left_out: &[], ..piece });
        }
        Some((self.end(), read_whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::edifact::encode_judged;
    use crate::codec::segment::GuideChoice;
    use crate::diagnostic::{Fault, Severity};
    use crate::standard::guide::Guide;
    use crate::standard::load::Library;
    use crate::tree::{
        DocumentDraft, DraftPlace, DraftSegment, DraftTexts, GroupDraft, InterchangeDraft, PlaceText, Style,
    };
    use std::collections::BTreeMap;

    fn said(element: u16, component: u16, text: &str) -> DraftPlace {
        DraftPlace { element, component, text: PlaceText::Said(text.into()) }
    }

    fn own(element: u16, component: u16, number: u32) -> DraftPlace {
        DraftPlace { element, component, text: PlaceText::Own(number) }
    }

    /// Lines with an article, and without.
    fn lines() -> [Arc<DraftForm>; 2] {
        let quantity = |number| ("QTY".into(), vec![said(1, 1, "21"), own(1, 2, number)]);
        let article = ("LIN".into(), vec![own(1, 1, 0), own(3, 1, 2), said(3, 2, "EN")]);
        [vec![article, quantity(1)], vec![("LIN".into(), vec![own(1, 1, 0)]), quantity(1)]]
            .map(|segments| Arc::new(DraftForm::new(segments)))
    }

    /// The segments of an item.
    fn item(form: &Arc<DraftForm>, texts: &[&str]) -> Vec<DraftSegment> {
        let ends: Vec<u32> = (1..=texts.len()).map(|count| texts[..count].concat().len() as u32).collect();
        let texts = Arc::new(DraftTexts::of(form, &texts.concat(), &ends));
        (0..form.segments().len()).map(|number| DraftSegment::laid(texts.clone(), number)).collect()
    }

    /// A line of one form or the other.
    fn line(forms: &[Arc<DraftForm>; 2], number: usize, is_bare: bool, quantity: &str) -> Vec<DraftSegment> {
        let number = number.to_string();
        match is_bare {
            true => item(&forms[1], &[&number, quantity]),
            false => item(&forms[0], &[&number, quantity, "4012345678901"]),
        }
    }

    /// Orders with these segments between their heading and their end.
    fn orders(documents: Vec<Vec<DraftSegment>>) -> InterchangeDraft {
        let document = |(number, inside): (usize, Vec<DraftSegment>)| {
            let mut segments =
                vec![DraftSegment::simple("BGM", &["220", "4711", "9"]), DraftSegment::new("DTM".into())];
            (1..).zip(["137", "20260101", "102"]).for_each(|(component, text)| segments[1].set(1, component, text));
            segments.extend(inside);
            segments.push(DraftSegment::simple("UNS", &["S"]));
            DocumentDraft {
                standard: "edifact".into(),
                kind: "ORDERS".into(),
                version: "D.96A".into(),
                control_number: (number + 1).to_string(),
                segments,
                ..DocumentDraft::default()
            }
        };
        let documents = documents.into_iter().enumerate().map(document).collect();
        InterchangeDraft {
            sender: ["14".into(), "4012345000009".into()],
            receiver: ["14".into(), "4098765000003".into()],
            control_number: "1".into(),
            prepared: jiff::civil::date(2026, 11, 24).at(9, 15, 0, 0),
            test: false,
            acknowledgment_requested: false,
            style: Style::edifact(),
            technical: Vec::new(),
            groups: vec![GroupDraft { documents, ..GroupDraft::default() }],
        }
    }

    /// How often items were left out in a row; how many documents were read whole though; and what is found in the end.
    fn read(
        documents: Vec<Vec<DraftSegment>>,
        guide: Option<GuideChoice<'_>>,
    ) -> (Vec<u32>, Option<usize>, Vec<Fault>) {
        let library = Library::new(None);
        let directory = library.directory("edifact", "d96a").expect("packed");
        let written = encode_judged(&orders(documents), Some(directory)).expect("it can be written");
        let left_out = written.leaving.iter().flat_map(|leaving| &leaving.left_out).map(|one| one.times).collect();
        let inspection = Inspection::new(&library).guided(guide);
        let whole = inspection.anew().abridged(&written).map(|(_, whole)| whole);
        // Compared with what reading all of it finds.
        let reports = inspection.written(&written).expect("it is read");
        let documents = reports.iter().flat_map(|report| &report.groups).flat_map(|group| &group.documents);
        let inside = documents.flat_map(|document| &document.faults);
        (
            left_out,
            whole,
            reports.iter().flat_map(InterchangeReport::envelope_faults).chain(inside).map(|one| one.fault).collect(),
        )
    }

    #[test]
    fn ok_items_that_are_alike_are_read_once_a_document() {
        let forms = lines();
        let same = || (1..=50).flat_map(|number| line(&forms, number, false, "5")).collect::<Vec<_>>();
        let turns = || (1..=9).flat_map(|number| line(&forms, number, number % 3 == 0, "7.5")).collect::<Vec<_>>();
        assert_eq!(read(vec![same()], None), (vec![49], Some(0), vec![]));
        assert_eq!(read(vec![turns()], None), (vec![1, 2, 1, 2, 1], Some(0), vec![]));
        assert_eq!(read(vec![same(), turns(), same()], None), (vec![49, 1, 2, 1, 2, 1, 49], Some(0), vec![]));
        // One of each has nothing like it.
        let (one, other) = (line(&forms, 1, false, "1"), line(&forms, 2, true, "2"));
        assert_eq!(read(vec![[one, other].concat()], None), (vec![], None, vec![]));
    }

    #[test]
    fn err_what_is_wrong_in_one_of_many_is_told() {
        let forms = lines();
        let with = |quantity: &str| {
            let quantity = |number: usize| if number == 30 { quantity.to_owned() } else { number.to_string() };
            (1..=50).flat_map(|number| line(&forms, number, false, &quantity(number))).collect::<Vec<_>>()
        };
        for (quantity, fault) in [
            ("many", Fault::ElementCharacter),
            ("1234567890123456", Fault::ElementTooLong),
            ("5 ", Fault::ElementBlank),
        ] {
            assert_eq!(
                read(vec![with("1"), with(quantity)], None),
                (vec![49, 28, 20], Some(1), vec![fault]),
                "{quantity}"
            );
        }
        // What is to be released is read, and nothing is wrong with it.
        let article = |gtin: &str| item(&forms[0], &["1", "1", gtin]);
        let lines = [article("40?1"), article("4012345678901"), article("4012345678901")].concat();
        assert_eq!(read(vec![lines], None), (vec![1], Some(0), vec![]));
    }

    #[test]
    fn err_more_than_there_may_be_are_told_though_they_are_left_out() {
        let date =
            Arc::new(DraftForm::new(vec![("DTM".into(), vec![said(1, 1, "2"), own(1, 2, 0), said(1, 3, "102")])]));
        let party =
            Arc::new(DraftForm::new(vec![("NAD".into(), vec![said(1, 1, "DP"), own(2, 1, 0), said(2, 3, "9")])]));
        let forms = lines();
        let with = |form: &Arc<DraftForm>, text: &str, count: usize| {
            let items = (0..count).flat_map(|_| item(form, &[text]));
            items.chain(line(&forms, 1, false, "1")).collect::<Vec<_>>()
        };
        // DTM may stand there 35 times, one of which is the order's; parties 99 times.
        for (form, text, max, fault) in
            [(&date, "20260102", 34, Fault::SegmentTooMany), (&party, "4012345000009", 99, Fault::LoopTooMany)]
        {
            let left_out = |count: usize| vec![count as u32 - 1];
            assert_eq!(read(vec![with(form, text, max)], None), (left_out(max), Some(0), vec![]));
            let (left, whole, found) = read(vec![with(form, text, max + 2)], None);
            assert_eq!((left, whole), (left_out(max + 2), Some(1)));
            assert_eq!(found, [fault, fault]);
        }
    }

    #[test]
    fn ok_where_a_guide_is_followed_all_is_read() {
        let forms = lines();
        let many = || vec![(1..=50).flat_map(|number| line(&forms, number, false, "5")).collect::<Vec<_>>()];
        let guide = Arc::new(Guide {
            name: "bare".into(),
            title: String::new(),
            document: "edifact/d96a/ORDERS".into(),
            selects: Vec::new(),
            severity: Severity::Error,
            adds: BTreeMap::new(),
            rules: Vec::new(),
            conditions: Vec::new(),
            overrides: Vec::new(),
        });
        let choice: GuideChoice<'_> = Box::new(move |_, _, _| Some(guide.clone()));
        assert_eq!(read(many(), Some(choice)), (vec![49], Some(1), vec![]));
        let none: GuideChoice<'_> = Box::new(|_, _, _| None);
        assert_eq!(read(many(), Some(none)), (vec![49], Some(0), vec![]));
    }
}
