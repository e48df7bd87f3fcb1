//! Writes draft segments strictly: nothing that the separators, the character set or the repertoire cannot carry.
//!
//! Where a value cannot be written it is a finding, never a changed value. Envelopes are `x12::encode`'s and
//! `edifact::encode`'s.

use super::leave::{Leaving, Written};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::standard::definition::Directory;
use crate::tree::{
    Between, Charset, DraftForm, DraftSegment, FormSegment, Laid, PlaceText, Separators, Style, Whole, in_repertoire,
};
use compact_str::CompactString;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// Room that a writer begins with: many write an acknowledgment of some lines.
const OUT_BYTES: usize = 512;

/// A text of so many bytes is looked at all at once, a shorter one byte by byte.
const TOGETHER_BYTES: usize = 32;

/// So many bytes, or fewer, are appended as so many.
const FEW_BYTES: usize = 16;

/// Which bytes of ASCII a syntax level allows, looked up once for all writers of it.
fn plain_of(level: &str) -> &'static [bool; 256] {
    static OF_LEVELS: [LazyLock<[bool; 256]>; 3] =
        [LazyLock::new(|| allowed("UNOA")), LazyLock::new(|| allowed("UNOB")), LazyLock::new(|| allowed(""))];
    &OF_LEVELS[number_of(level)]
}

/// A number for all levels that allow the same bytes of ASCII.
fn number_of(level: &str) -> usize {
    ["UNOA", "UNOB"].iter().position(|one| *one == level).unwrap_or(2)
}

/// A number for all that decides how plain texts are written, line ends included; none for line ends of more than two bytes.
fn number_of_style(style: &Style) -> Option<u64> {
    let Separators { component, element, repetition, release, segment, decimal: _ } = style.separators;
    let end = match style.line_end.as_bytes() {
        [] => [0, 0],
        &[one] if one > 0 => [one, 0],
        &[one, two] if one > 0 && two > 0 => [one, two],
        _ => return None,
    };
    let level = number_of(&style.syntax_identifier) as u8;
    let others = [repetition, release].map(Option::unwrap_or_default);
    Some(u64::from_le_bytes([component, element, segment, others[0], others[1], level, end[0], end[1]]))
}

fn allowed(level: &str) -> [bool; 256] {
    std::array::from_fn(|byte| {
        u8::try_from(byte).is_ok_and(|byte| byte.is_ascii() && in_repertoire(level, byte.into()))
    })
}

/// Bytes being written, and what could not be.
pub struct Writer {
    syntax: Syntax,
    separators: Separators,
    /// The syntax identifier, and what stands after each terminator, as the style has them; both are short.
    level: CompactString,
    line_end: CompactString,
    charset: Charset,
    /// Which bytes of a text are written as they are: ASCII of the repertoire that separates nothing.
    is_plain: [bool; 256],
    /// The characters that separate, where all other printable ASCII is plain.
    separating: Option<[u8; 5]>,
    /// See [`number_of_style`].
    style: Option<u64>,
    out: Vec<u8>,
    faults: Vec<Diagnostic>,
    /// Segments since the document's header, that header included.
    ordinal: u32,
    /// Judges items, where that was asked for.
    leaving: Option<Leaving>,
}

impl Writer {
    /// Begins to write in this style.
    #[must_use]
    pub fn new(syntax: Syntax, style: &Style) -> Self {
        let charset = Charset::of_syntax_identifier(style.syntax_identifier.as_bytes()).unwrap_or(Charset::Utf8);
        let Separators { component, element, repetition, release, segment, decimal: _ } = style.separators;
        let mut is_plain = *plain_of(&style.syntax_identifier);
        for special in [Some(component), Some(element), Some(segment), repetition, release].into_iter().flatten() {
            is_plain[usize::from(special)] = false;
        }
        let is_open = number_of(&style.syntax_identifier) == 2;
        let separating =
            is_open.then(|| [component, element, segment, repetition.unwrap_or(segment), release.unwrap_or(segment)]);
        Writer {
            syntax,
            separators: style.separators,
            level: style.syntax_identifier.as_str().into(),
            line_end: style.line_end.as_str().into(),
            charset,
            is_plain,
            separating,
            style: number_of_style(style),
            out: Vec::with_capacity(OUT_BYTES),
            faults: Vec::new(),
            ordinal: 0,
            leaving: None,
        }
    }

    /// Judges items of documents by the definitions of a version, while they are written; all of it must be taken at the end
    /// by [`Writer::finish_written`].
    pub fn judge_by(&mut self, directory: Option<Arc<Directory>>) {
        self.leaving = directory.map(|directory| Leaving::new(directory, self.separators, &self.line_end));
    }

    /// Writes bytes that are no segment (UNA, a fixed-width ISA).
    pub fn plain(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Ends what `plain` wrote as a segment ends.
    pub fn end_segment(&mut self) {
        self.out.push(self.separators.segment);
        self.out.extend_from_slice(self.line_end.as_bytes());
    }

    /// A document begins: its header is segment 1.
    pub fn begin_document(&mut self) {
        self.ordinal = 0;
        self.leaving.iter_mut().for_each(Leaving::begin_document);
    }

    /// Segments written since the document began.
    #[must_use]
    pub fn segments(&self) -> u32 {
        self.ordinal
    }

    /// Writes one segment; empty elements at its end, and empty components at the end of each element, are left out.
    pub fn segment(&mut self, draft: &DraftSegment) {
        let length = self.out.len();
        if draft.as_laid().is_some_and(|laid| self.laid(laid)) {
            debug_assert!(self.is_as_by_values(draft, length), "the short way writes what the long one writes");
            return;
        }
        self.by_values(draft);
    }

    /// Writes the segments of a document one after the other, those of an item at once where that can be.
    pub fn segments_of(&mut self, drafts: &[DraftSegment]) {
        let mut rest = drafts;
        while let Some((first, behind)) = rest.split_first() {
            let length = self.out.len();
            let taken = first.as_laid().map_or(0, |laid| self.item(laid, rest));
            debug_assert!(self.are_as_by_values(&rest[..taken], length), "an item is written as its segments");
            if taken == 0 {
                self.segment(first);
                rest = behind;
            } else {
                rest = &rest[taken..];
            }
        }
    }

    /// Writes the segments of an item that stand together at the beginning of `drafts`, where all of it is plain; returns
    /// how many that were.
    fn item(&mut self, first: &Laid, drafts: &[DraftSegment]) -> usize {
        let Some(style) = self.style else { return 0 };
        let form = first.form();
        let Some(between) = form.between(style, || self.between(form, style, first, drafts)) else { return 0 };
        let Some(whole) = &between.whole else { return 0 };
        let is_next = |(draft, number): (&DraftSegment, &u32)| {
            draft.as_laid().is_some_and(|laid| laid.number() == *number as usize && laid.is_beside(first))
        };
        let count = whole.order.len();
        let are_there = drafts.len() >= count && drafts.iter().zip(&whole.order).all(is_next);
        if !are_there || !self.are_plain(first.item().all()) {
            return 0;
        }
        let (before, begin) = (self.ordinal as usize, self.out.len());
        self.ordinal += count as u32;
        let (text, mut start) = (first.item().all().as_bytes(), 0);
        self.out.reserve(whole.bytes.len() + text.len() + TOGETHER_BYTES);
        for &(end, number) in &whole.texts {
            append(&mut self.out, &whole.bytes, start..end as usize);
            append(&mut self.out, text, first.item().range(number));
            start = end as usize;
        }
        append(&mut self.out, &whole.bytes, start..whole.bytes.len());
        if let Some(leaving) = &mut self.leaving {
            leaving.item(first, begin..self.out.len(), before..before + count);
        }
        count
    }

    /// Whether a text is written as it stands.
    #[inline]
    fn are_plain(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        match self.separating {
            Some(separating) if bytes.len() >= TOGETHER_BYTES => are_plain_but(bytes, separating),
            _ => bytes.iter().all(|byte| self.is_plain[usize::from(*byte)]),
        }
    }

    /// Writes a segment whose texts stand in a form, where all of it is plain; else says so, and writes nothing.
    fn laid(&mut self, laid: &Laid) -> bool {
        let Some(style) = self.style else { return false };
        let form = laid.form();
        let between =
            form.between(style, || self.between(form, style, laid, &[])).map(|one| &one.segments[laid.number()]);
        let Some(Some(between)) = between else { return false };
        if !laid.texts().all(|text| self.are_plain(text)) {
            return false;
        }
        self.ordinal += 1;
        let mut texts = laid.texts();
        for bytes in between {
            self.out.extend_from_slice(bytes);
            self.out.extend_from_slice(texts.next().unwrap_or_default().as_bytes());
        }
        true
    }

    /// What stands around the texts of a form, whose item is written for the first time: `drafts` begins with its first
    /// segment.
    fn between(&self, form: &DraftForm, style: u64, first: &Laid, drafts: &[DraftSegment]) -> Between {
        let segments: Vec<_> = form.segments().iter().map(|one| self.between_texts(one)).collect();
        let own = drafts.iter().map_while(|draft| draft.as_laid().filter(|laid| laid.is_beside(first)));
        let order: Vec<u32> = own.map(|laid| laid.number() as u32).collect();
        let is_whole = order.len() == segments.len() && segments.iter().all(Option::is_some);
        let whole = is_whole.then(|| {
            let mut whole = Whole { order, bytes: Vec::new(), texts: Vec::new() };
            for &number in &whole.order {
                let pieces = segments[number as usize].iter().flatten();
                let numbers = form.segments()[number as usize].texts().iter().map(Some).chain([None]);
                for (piece, number) in pieces.zip(numbers) {
                    whole.bytes.extend_from_slice(piece);
                    whole.texts.extend(number.map(|number| (whole.bytes.len() as u32, *number)));
                }
            }
            whole
        });
        Between { style, segments, whole }
    }

    /// The same of one of its segments, unless something that always stands there is not plain.
    fn between_texts(&self, segment: &FormSegment) -> Option<Vec<Box<[u8]>>> {
        let (mut found, mut bytes) = (Vec::new(), segment.tag.as_bytes().to_vec());
        let (mut element, mut component) = (0, 1);
        for place in &segment.places {
            separate(self.separators, &mut bytes, (&mut element, &mut component), (place.element, place.component));
            match &place.text {
                PlaceText::Said(text) if self.are_plain(text) => bytes.extend(text.as_bytes()),
                PlaceText::Said(_) => return None,
                PlaceText::Own(_) => found.push(std::mem::take(&mut bytes).into()),
            }
        }
        bytes.push(self.separators.segment);
        bytes.extend_from_slice(self.line_end.as_bytes());
        found.push(bytes.into());
        Some(found)
    }

    /// Builds for tests write what was written again, value by value.
    fn is_as_by_values(&mut self, draft: &DraftSegment, length: usize) -> bool {
        self.are_as_by_values(std::slice::from_ref(draft), length)
    }

    /// The same of several segments.
    fn are_as_by_values(&mut self, drafts: &[DraftSegment], length: usize) -> bool {
        let written = self.out.split_off(length);
        self.ordinal -= drafts.len() as u32;
        let faults = self.faults.len();
        drafts.iter().for_each(|draft| self.by_values(draft));
        self.out[length..] == written && self.faults.len() == faults
    }

    /// Writes a segment value by value.
    fn by_values(&mut self, draft: &DraftSegment) {
        self.ordinal += 1;
        self.out.extend_from_slice(draft.tag.as_bytes());
        let (mut element, mut component) = (0, 1);
        for (at, value) in draft.values().iter().enumerate() {
            separate(self.separators, &mut self.out, (&mut element, &mut component), (value.element, value.component));
            let more = draft.values().get(at + 1).is_some_and(|next| next.element == element);
            self.value(&draft.tag, element, if component > 1 || more { component } else { 0 }, &value.text);
        }
        self.end_segment();
    }

    /// Writes one segment of simple elements; empty ones at its end are left out.
    pub fn simple(&mut self, tag: &str, values: &[&str]) {
        self.ordinal += 1;
        self.out.extend_from_slice(tag.as_bytes());
        let filled = values.iter().rposition(|value| !value.is_empty()).map_or(0, |last| last + 1);
        for (element, value) in (1..).zip(&values[..filled]) {
            self.out.push(self.separators.element);
            self.value(tag, element, 0, value);
        }
        self.end_segment();
    }

    /// Writes segments that are bytes of this style already.
    pub fn append(&mut self, bytes: &[u8], segments: u32) {
        self.out.extend_from_slice(bytes);
        self.ordinal += segments;
    }

    fn value(&mut self, tag: &str, element: u16, component: u16, value: &str) {
        let Separators { release, .. } = self.separators;
        if value.bytes().all(|byte| self.is_plain[usize::from(byte)]) {
            return self.out.extend_from_slice(value.as_bytes());
        }
        if let Some(wrong) = value.chars().find(|&c| !in_repertoire(&self.level, c)) {
            let level = if self.level.is_empty() { "X12" } else { &self.level };
            let expected = format!("characters of {level}");
            let found = self.finding(Fault::ElementCharacter, tag, element, component);
            self.faults.push(found.because(expected, format!("{wrong:?} in \"{value}\"")));
            return;
        }
        let Some(bytes) = self.charset.encode(value) else {
            let expected = format!("characters of {}", self.charset.name());
            let found = self.finding(Fault::ElementCharacter, tag, element, component);
            self.faults.push(found.because(expected, format!("\"{value}\"")));
            return;
        };
        for byte in bytes {
            if self.separators.is_special(byte) {
                match release {
                    Some(release) => self.out.push(release),
                    None => {
                        let found = self.finding(Fault::ElementCharacter, tag, element, component);
                        let separator = char::from(byte);
                        let expected = format!("no separator of the interchange ({separator:?})");
                        self.faults.push(found.because(expected, format!("\"{value}\"")));
                        return;
                    }
                }
            }
            self.out.push(byte);
        }
    }

    fn finding(&self, fault: Fault, tag: &str, element: u16, component: u16) -> Diagnostic {
        let place = match component {
            0 => format!("{tag}.{element:02}"),
            component => format!("{tag}.{element:02}.{component}"),
        };
        let position = Position { segment: self.ordinal, element, component, repetition: 0 };
        Diagnostic::new(self.syntax, fault).place(place, tag, position)
    }

    /// Does one piece of the writing whole or not at all.
    ///
    /// # Errors
    /// What of it cannot be written; its bytes are taken back.
    pub fn whole(&mut self, write: impl FnOnce(&mut Self)) -> Result<(), Vec<Diagnostic>> {
        let (length, known) = (self.out.len(), self.faults.len());
        write(self);
        if self.faults.len() == known {
            return Ok(());
        }
        self.out.truncate(length);
        Err(self.faults.split_off(known))
    }

    /// The bytes written since last asked.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Takes over what another writer could not write.
    pub fn fail(&mut self, mut faults: Vec<Diagnostic>) {
        self.faults.append(&mut faults);
    }

    /// How many bytes were written since last taken.
    #[must_use]
    pub fn written(&self) -> usize {
        self.out.len()
    }

    /// What could not be written since last asked.
    pub fn take_faults(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.faults)
    }

    /// The bytes.
    ///
    /// # Errors
    /// What could not be written, all of it.
    pub fn finish(self) -> Result<Vec<u8>, Vec<Diagnostic>> {
        self.finish_written().map(|written| written.bytes)
    }

    /// The bytes, and what of them was judged.
    ///
    /// # Errors
    /// What could not be written, all of it.
    pub fn finish_written(self) -> Result<Written, Vec<Diagnostic>> {
        if self.faults.is_empty() { Ok(Written { bytes: self.out, leaving: self.leaving }) } else { Err(self.faults) }
    }
}

/// Appends some of these bytes. A few are soon appended as many, of which those that are not meant are taken back.
#[inline(always)]
fn append(out: &mut Vec<u8>, bytes: &[u8], range: Range<usize>) {
    match bytes.get(range.start..).and_then(<[u8]>::first_chunk::<FEW_BYTES>) {
        Some(few) if range.len() <= FEW_BYTES => {
            let end = out.len() + range.len();
            out.extend_from_slice(few);
            out.truncate(end);
        }
        _ => out.extend_from_slice(&bytes[range]),
    }
}

/// Whether bytes are printable ASCII and none of them separates; without branches, so that many are looked at together.
fn are_plain_but(bytes: &[u8], [one, two, three, four, five]: [u8; 5]) -> bool {
    let is_other = |byte: u8| {
        let separates = (byte == one) | (byte == two) | (byte == three) | (byte == four) | (byte == five);
        separates | !(b' '..=b'~').contains(&byte)
    };
    !bytes.iter().fold(false, |found, byte| found | is_other(*byte))
}

/// Appends the separators from one place of a segment to another.
#[inline]
fn separate(separators: Separators, bytes: &mut Vec<u8>, (element, component): (&mut u16, &mut u16), to: (u16, u16)) {
    while *element < to.0 {
        bytes.push(separators.element);
        (*element, *component) = (*element + 1, 1);
    }
    while *component < to.1 {
        bytes.push(separators.component);
        *component += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{DraftForm, DraftPlace, DraftTexts, PlaceText};
    use std::sync::Arc;

    fn write(style: &Style, syntax: Syntax, draft: &DraftSegment) -> Result<String, Vec<Diagnostic>> {
        let mut writer = Writer::new(syntax, style);
        writer.segment(draft);
        writer.finish().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn ok_releases_and_trims() {
        let mut draft = DraftSegment::simple("FTX", &["AAI", "", ""]);
        draft.set(4, 1, "it's 3+4?");
        draft.set(4, 3, "");
        draft.set(6, 1, "");
        assert_eq!(write(&Style::edifact(), Syntax::Edifact, &draft).unwrap(), "FTX+AAI+++it?'s 3?+4??'\n");
    }

    #[test]
    fn err_a_separator_in_x12_data_is_a_finding() {
        let faults = write(&Style::x12(), Syntax::X12, &DraftSegment::simple("N1", &["ST", "A*B"])).unwrap_err();
        assert_eq!(
            faults[0].message(),
            "N1.02: invalid character: expected no separator of the interchange ('*'), found \"A*B\""
        );
    }

    #[test]
    fn err_characters_outside_the_level() {
        let style = Style { syntax_identifier: "UNOA".into(), ..Style::edifact() };
        assert!(write(&style, Syntax::Edifact, &DraftSegment::simple("NAD", &["BY", "abc"])).is_err());
        let style = Style::edifact();
        assert!(write(&style, Syntax::Edifact, &DraftSegment::simple("NAD", &["BY", "Łódź"])).is_err());
        let style = Style { syntax_identifier: "UNOD".into(), ..Style::edifact() };
        assert!(write(&style, Syntax::Edifact, &DraftSegment::simple("NAD", &["BY", "Łódź"])).is_ok());
    }

    /// A line with a text that always stands there, and one of which nothing varies.
    fn form() -> Arc<DraftForm> {
        let place = |element, component, text| DraftPlace { element, component, text };
        let said = |text: &str| PlaceText::Said(text.into());
        let line = vec![place(1, 1, PlaceText::Own(0)), place(3, 1, PlaceText::Own(1)), place(3, 2, said("A^I"))];
        Arc::new(DraftForm::new(vec![("LIN".into(), line), ("UNS".into(), vec![place(1, 1, said("S"))])]))
    }

    fn item(form: &Arc<DraftForm>, [one, other]: [&str; 2]) -> Arc<DraftTexts> {
        let ends = [one.len() as u32, (one.len() + other.len()) as u32];
        Arc::new(DraftTexts::of(form, &format!("{one}{other}"), &ends))
    }

    /// What the short way writes of a segment, if it takes it; beside it what all of its values one by one come to.
    fn both(
        form: &Arc<DraftForm>,
        (syntax, style): (Syntax, &Style),
        texts: [&str; 2],
        number: usize,
    ) -> [Option<String>; 2] {
        let draft = DraftSegment::laid(item(form, texts), number);
        let mut own = DraftSegment::new(draft.tag.clone());
        draft.values().iter().for_each(|value| own.set(value.element, value.component, value.text.clone()));
        let (mut short, mut long) = (Writer::new(syntax, style), Writer::new(syntax, style));
        let taken = short.laid(draft.as_laid().expect("it is in a form"));
        assert_eq!(
            (short.segments(), short.out.is_empty()),
            (u32::from(taken), !taken),
            "nothing of what is not taken"
        );
        long.by_values(&own);
        let text = |writer: Writer| writer.finish().ok().map(|bytes| bytes.escape_ascii().to_string());
        [text(short).filter(|_| taken), text(long)]
    }

    /// A form keeps what stands around its texts for each style; whatever differs between two of them is told apart.
    #[test]
    fn ok_texts_in_a_form_are_written_as_their_values_in_each_style() {
        let usual = (Syntax::Edifact, Style::edifact());
        let separators = usual.1.separators;
        let with = |separators| (Syntax::Edifact, Style { separators, ..Style::edifact() });
        let level = |level: &str| (Syntax::Edifact, Style { syntax_identifier: level.into(), ..Style::edifact() });
        let end = |end: &str| (Syntax::Edifact, Style { line_end: end.into(), ..Style::edifact() });
        let neighbours = [
            with(Separators { component: b'|', ..separators }),
            with(Separators { element: b'!', ..separators }),
            with(Separators { segment: b'~', ..separators }),
            with(Separators { repetition: Some(b'^'), ..separators }),
            with(Separators { release: None, ..separators }),
            level("UNOA"),
            level("UNOB"),
            end(""),
            end("\r\n"),
            (Syntax::X12, Style::x12()),
        ];
        for other in &neighbours {
            let form = form();
            for (syntax, style) in [&usual, other, &usual] {
                for number in [0, 1] {
                    let [short, long] = both(&form, (*syntax, style), ["1", "4012345678901"], number);
                    // A character that is to be released, or may not stand there, is not taken: the values say it one by one.
                    if short.is_some() {
                        assert_eq!(short, long, "{style:?}");
                    }
                    let is_separator = style.separators.repetition == Some(b'^');
                    let is_outside = ["UNOA", "UNOB"].contains(&style.syntax_identifier.as_str());
                    assert_eq!(short.is_some(), number == 1 || !(is_separator || is_outside), "{style:?} {number}");
                }
            }
        }
    }

    /// Items of one form are written at once where their segments stand together as those of the first did; else, and where
    /// a text is not plain, segment by segment. Either way it is what the values one by one come to.
    #[test]
    fn ok_items_are_written_at_once_as_their_segments() {
        let (form, style) = (form(), Style::edifact());
        let [one, other] = ["4012345678901", "4098765000003"].map(|gtin| item(&form, ["1", gtin]));
        let released = item(&form, ["2", "A+B"]);
        let line = |item: &Arc<DraftTexts>| DraftSegment::laid(item.clone(), 0);
        let end = |item: &Arc<DraftTexts>| DraftSegment::laid(item.clone(), 1);
        let cases = [
            (vec![line(&one), end(&one), line(&other), end(&other)], vec![2, 2]),
            (vec![line(&one), end(&one), line(&released), end(&released)], vec![2, 0, 0]),
            (vec![line(&one), end(&other), end(&one), line(&one)], vec![0, 0, 0, 0]),
            (vec![end(&one), line(&one), line(&one), end(&one)], vec![0, 0, 2]),
            (vec![line(&one)], vec![0]),
        ];
        // The first item decides in which order segments are expected.
        Writer::new(Syntax::Edifact, &style).segments_of(&cases[0].0);
        for (drafts, expected) in cases {
            let (mut whole, mut long) = (Writer::new(Syntax::Edifact, &style), Writer::new(Syntax::Edifact, &style));
            whole.segments_of(&drafts);
            drafts.iter().for_each(|draft| long.by_values(draft));
            assert_eq!((whole.segments(), &whole.out), (long.segments(), &long.out));
            let (mut rest, mut taken) = (&drafts[..], Vec::new());
            while let Some(first) = rest.first() {
                taken.push(whole.item(first.as_laid().expect("it is in a form"), rest));
                rest = &rest[taken.last().map_or(1, |taken| (*taken).max(1))..];
            }
            assert_eq!(taken, expected);
        }
    }

    /// Looking at all bytes together says what looking at each says, wherever in a text of either length one stands.
    #[test]
    fn ok_long_texts_are_plain_when_each_byte_is() {
        let levels = ["UNOA", "UNOB", "UNOC", ""];
        let with = |level: &str| Style { syntax_identifier: level.into(), ..Style::edifact() };
        for style in levels.map(with).into_iter().chain([Style::x12()]) {
            let writer = Writer::new(Syntax::Edifact, &style);
            for (length, at) in [(8, 3), (TOGETHER_BYTES, 0), (TOGETHER_BYTES + 13, TOGETHER_BYTES + 12)] {
                for character in (0..=255u8).map(char::from) {
                    let mut text = "A".repeat(length);
                    text.replace_range(at..=at, character.encode_utf8(&mut [0; 4]));
                    let each = text.bytes().all(|byte| writer.is_plain[usize::from(byte)]);
                    assert_eq!(writer.are_plain(&text), each, "{character:?} in {style:?}");
                }
            }
        }
    }

    #[test]
    fn texts_that_are_not_plain_and_styles_that_are_not_kept_take_the_long_way() {
        let (form, style) = (form(), Style::edifact());
        for text in ["it's", "3+4", "1:2", "who?", "\u{e9}", "\u{141}", "\u{7}"] {
            let [short, long] = both(&form, (Syntax::Edifact, &style), ["1", text], 0);
            assert_eq!(short, None, "{text:?} gives {long:?}");
        }
        let ends = ["", "\n", "\r", "\r\n"].map(|end| Style { line_end: end.into(), ..Style::edifact() });
        let form = self::form();
        let taken = ends.each_ref().map(|style| both(&form, (Syntax::Edifact, style), ["1", "2"], 0)[0].is_some());
        assert_eq!(taken, [true, true, true, false], "a form keeps three styles");
        let again = both(&form, (Syntax::Edifact, &ends[0]), ["1", "2"], 0);
        assert_eq!(again, [Some("LIN+1++2:A^I\\'".into()), Some("LIN+1++2:A^I\\'".into())]);
        let long_end = Style { line_end: "\r\n\n".into(), ..Style::edifact() };
        assert_eq!(both(&self::form(), (Syntax::Edifact, &long_end), ["1", "2"], 0)[0], None);
    }
}
