//! MIME as AS2 needs it (RFC 2045, 2046, 1847): header lines, parameters, and the parts of a multipart as they stand, byte for
//! byte, since a signature is over those. Bodies are streams; nothing is rewritten.

use super::source::read_on;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::io::{self, Read};

/// Bytes of the header lines of a part, at most.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Characters of a boundary, at most (RFC 2046 5.1.1 allows 70).
pub const BOUNDARY_BYTES_MAX: usize = 256;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Base 64 as partners write it: with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Header lines, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of a name, in whichever case it is written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `Content-Type`, in parts.
    #[must_use]
    pub fn content_type(&self) -> Parameters {
        Parameters::parse(self.get("content-type").unwrap_or("text/plain"))
    }

    /// Whether the body is base 64.
    #[must_use]
    pub fn is_base64(&self) -> bool {
        self.get("content-transfer-encoding").is_some_and(|encoding| encoding.trim().eq_ignore_ascii_case("base64"))
    }

    /// Those that say what the body is, with the empty line: the body with these in front is an entity of its own.
    #[must_use]
    pub fn of_entity(&self) -> Vec<u8> {
        let mut lines = "MIME-Version: 1.0\r\n".to_owned();
        for name in ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"] {
            lines.extend(self.get(name).map(|value| format!("{name}: {value}\r\n")));
        }
        (lines + "\r\n").into_bytes()
    }

    /// Reads header lines as they stand, folded ones unfolded.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut found: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = found.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                found.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Headers(found)
    }
}

/// A value with parameters: `multipart/signed; boundary="x"`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// What stands before them, in lower case.
    pub value: String,
    /// Their names in lower case, and what they say without quotes.
    pub all: Vec<(String, String)>,
}

impl Parameters {
    /// Reads such a value; what is odd about it is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut pieces = split_quoted(text, ';').into_iter();
        let value = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let all = pieces.filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            Some((name.trim().to_ascii_lowercase(), unquoted(value.trim())))
        });
        Parameters { value, all: all.collect() }
    }

    /// What a parameter says.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// What a parameter says that may be written by RFC 2231 (`filename*=UTF-8''…`, `filename*0=…`) or RFC 2047.
    #[must_use]
    pub fn extended(&self, name: &str) -> Option<String> {
        if let Some(value) = self.get(&format!("{name}*")) {
            let (charset, text) = charset_of(value);
            return Some(in_charset(charset, &octets(text)));
        }
        // Cut wherever there was no more room: a character may begin in one piece and end in the next.
        let (mut charset, mut bytes) = ("utf-8", Vec::new());
        for at in 0.. {
            if let Some(value) = self.get(&format!("{name}*{at}*")) {
                let (said, text) = if at == 0 { charset_of(value) } else { (charset, value) };
                charset = said;
                bytes.extend(octets(text));
            } else if let Some(value) = self.get(&format!("{name}*{at}")) {
                bytes.extend_from_slice(value.as_bytes());
            } else {
                break;
            }
        }
        if !bytes.is_empty() {
            return Some(in_charset(charset, &bytes));
        }
        self.get(name).map(words)
    }
}

/// `charset'language'text`: the first and the last; UTF-8 and ISO 8859-1 are known.
fn charset_of(text: &str) -> (&str, &str) {
    let mut parts = text.splitn(3, '\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(text)) => (charset, text),
        _ => ("utf-8", text),
    }
}

/// Text with octets as `%41`.
fn octets(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

fn in_charset(charset: &str, bytes: &[u8]) -> String {
    match charset.to_ascii_lowercase().as_str() {
        "iso-8859-1" | "latin1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Encoded words (RFC 2047), where they should not stand but do.
fn words(text: &str) -> String {
    let decoded = |word: &str| {
        let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
        let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = match encoding {
            "B" | "b" => LENIENT.decode(text).ok()?,
            // A per cent sign of its own stays one.
            _ => octets(&text.replace('%', "=25").replace('_', " ").replace('=', "%")),
        };
        Some(in_charset(charset, &bytes))
    };
    match text.starts_with("=?") {
        true => text.split(' ').map(|word| decoded(word).unwrap_or_else(|| word.to_owned())).collect(),
        false => text.to_owned(),
    }
}

/// Splits where a sign stands outside quotes.
pub(super) fn split_quoted(text: &str, sign: char) -> Vec<&str> {
    let (mut found, mut begin, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if c == sign && !is_quoted => {
                found.push(&text[begin..at]);
                begin = at + c.len_utf8();
            }
            _ => {}
        }
    }
    found.push(&text[begin..]);
    found
}

/// A quoted string without its quotes and escapes; anything else as it is.
#[must_use]
pub fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').map(|text| text.strip_suffix('"').unwrap_or(text)) else {
        return text.to_owned();
    };
    let (mut found, mut is_escaped) = (String::new(), false);
    for c in inner.chars() {
        if c == '\\' && !is_escaped {
            is_escaped = true;
            continue;
        }
        found.push(c);
        is_escaped = false;
    }
    found
}

fn unfit(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// A stream that can be looked into before it is taken.
pub struct Peeked<'r> {
    source: &'r mut dyn Read,
    ready: Vec<u8>,
    from: usize,
    has_ended: bool,
    /// Bytes that were taken, of all.
    taken: u64,
}

impl<'r> Peeked<'r> {
    /// Over a stream.
    #[must_use]
    pub fn new(source: &'r mut dyn Read) -> Self {
        Peeked { source, ready: Vec::new(), from: 0, has_ended: false, taken: 0 }
    }

    fn ready(&self) -> &[u8] {
        &self.ready[self.from..]
    }

    /// How many bytes of the stream were taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes what is ready.
    fn take_ready(&mut self, count: usize) {
        self.from += count;
        self.taken += count as u64;
    }

    /// Reads on once; whether anything came.
    fn read_on(&mut self) -> io::Result<bool> {
        if self.has_ended {
            return Ok(false);
        }
        if self.from > 0 {
            self.ready.drain(..self.from);
            self.from = 0;
        }
        self.has_ended = read_on(self.source, &mut self.ready, PIECE_BYTES)? == 0;
        Ok(!self.has_ended)
    }

    /// The header lines up to and with the empty line, as they stand.
    ///
    /// # Errors
    /// There is no empty line within [`HEADER_BYTES_MAX`].
    pub fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut seen = 0;
        loop {
            let ready = self.ready();
            // An empty line may be the first.
            let begin = if ready.starts_with(b"\r\n") {
                Some(2)
            } else if ready.starts_with(b"\n") {
                Some(1)
            } else {
                let ends = memchr::memchr_iter(b'\n', &ready[seen..]).map(|at| seen + at + 1);
                ends.into_iter().find_map(|at| match &ready[at..] {
                    [b'\n', ..] => Some(at + 1),
                    [b'\r', b'\n', ..] => Some(at + 2),
                    _ => None,
                })
            };
            if let Some(end) = begin {
                let head = ready[..end].to_vec();
                self.take_ready(end);
                return Ok(head);
            }
            if ready.len() > HEADER_BYTES_MAX {
                return Err(unfit(format_args!("no empty line within {HEADER_BYTES_MAX} bytes of header lines")));
            }
            seen = ready.len().saturating_sub(3);
            if !self.read_on()? {
                return Err(unfit("expected an empty line behind the header lines, found the end"));
            }
        }
    }

    /// What comes next, up to so many bytes at least where there are as many, without taking it.
    ///
    /// # Errors
    /// The source failed.
    pub fn ahead(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.ready().len() < count && self.read_on()? {}
        Ok(self.ready())
    }

    /// Passes over what is left.
    ///
    /// # Errors
    /// The source failed.
    pub fn drain(&mut self) -> io::Result<()> {
        loop {
            self.take_ready(self.ready().len());
            if !self.read_on()? {
                return Ok(());
            }
        }
    }

    /// Passes over what is left; whether that is nothing but blanks and line ends, so many bytes at most.
    ///
    /// # Errors
    /// The source failed.
    pub fn drain_blank(&mut self, most: usize) -> io::Result<bool> {
        let (mut is_blank, mut count) = (true, 0);
        loop {
            let ready = self.ready();
            is_blank &= ready.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
            count += ready.len();
            self.take_ready(ready.len());
            if !self.read_on()? {
                return Ok(is_blank && count <= most);
            }
        }
    }
}

impl Read for Peeked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready().is_empty() {
            if buffer.len() >= PIECE_BYTES && !self.has_ended {
                let count = self.source.read(buffer)?;
                self.taken += count as u64;
                return Ok(count);
            }
            self.read_on()?;
        }
        let count = self.ready().len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.ready[self.from..self.from + count]);
        self.take_ready(count);
        Ok(count)
    }
}

/// Where a delimiter was found.
enum Found {
    /// The part ends at the first, the line of the delimiter at the second; whether it is the last one.
    At { end: usize, next: usize, is_last: bool },
    /// So many bytes are surely none of it.
    Not(usize),
}

/// The parts of a multipart, one after the other.
pub struct Multipart<'p, 'r> {
    source: &'p mut Peeked<'r>,
    delimiter: Vec<u8>,
    stage: Stage,
    /// What is ready begins a line, for all before it is passed.
    begins_line: bool,
}

/// Where in a multipart its reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Preamble,
    Part,
    /// Behind a delimiter.
    Between,
    /// Behind the last one.
    Over,
}

impl<'p, 'r> Multipart<'p, 'r> {
    /// Of a body whose `Content-Type` says that boundary.
    ///
    /// # Errors
    /// The boundary is longer than is taken, or empty.
    pub fn new(source: &'p mut Peeked<'r>, boundary: &str) -> io::Result<Self> {
        if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX {
            return Err(unfit(format_args!("expected a boundary of 1 to {BOUNDARY_BYTES_MAX} characters")));
        }
        let delimiter = [b"--", boundary.as_bytes()].concat();
        Ok(Multipart { source, delimiter, stage: Stage::Preamble, begins_line: true })
    }

    /// Goes to the next part; whether there is one. What was left of the one before is passed over.
    ///
    /// # Errors
    /// The source failed, or ends before the last delimiter.
    pub fn next_part(&mut self) -> io::Result<bool> {
        let mut room = vec![0; PIECE_BYTES];
        while matches!(self.stage, Stage::Preamble | Stage::Part) {
            self.give(&mut room)?;
        }
        if self.stage == Stage::Over {
            return Ok(false);
        }
        self.stage = Stage::Part;
        Ok(true)
    }

    /// How many bytes of the body stand before what comes next.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.source.taken()
    }

    /// Looks for the delimiter in what is ready.
    fn find(&self) -> Found {
        let ready = self.source.ready();
        let has_ended = self.source.has_ended;
        for at in memchr::memmem::find_iter(ready, &self.delimiter) {
            let behind = &ready[at + self.delimiter.len()..];
            let begins_line = if at == 0 { self.begins_line } else { ready[at - 1] == b'\n' };
            let end = match &ready[..at] {
                [.., b'\r', b'\n'] => at - 2,
                [.., b'\n'] => at - 1,
                _ => at,
            };
            if !begins_line {
                continue;
            }
            let line = memchr::memchr(b'\n', behind);
            if line.is_none() && !has_ended && behind.len() < BOUNDARY_BYTES_MAX {
                return Found::Not(end);
            }
            let text = behind[..line.unwrap_or(behind.len())].trim_ascii_end();
            let next = at + self.delimiter.len() + line.map_or(behind.len(), |line| line + 1);
            match text {
                b"" if line.is_some() => return Found::At { end, next, is_last: false },
                b"--" => return Found::At { end, next, is_last: true },
                // A line that only begins like one.
                _ => {}
            }
        }
        // It may begin in the last bytes, with its line break.
        let keep = if has_ended { 0 } else { self.delimiter.len() + 1 };
        Found::Not(ready.len().saturating_sub(keep))
    }

    /// Gives what stands before the next delimiter, or passes that.
    fn give(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (known, found) = match self.find() {
                Found::At { end, next, is_last } => (end, Some((next, is_last))),
                Found::Not(known) => (known, None),
            };
            if known > 0 {
                let count = known.min(buffer.len());
                self.begins_line = false;
                return self.source.read(&mut buffer[..count]);
            }
            if let Some((next, is_last)) = found {
                self.source.take_ready(next);
                self.begins_line = true;
                self.stage = if is_last { Stage::Over } else { Stage::Between };
                return Ok(0);
            }
            let had_ended = self.source.has_ended;
            if !self.source.read_on()? && had_ended {
                return Err(unfit("expected the closing delimiter of the multipart, found the end"));
            }
        }
    }
}

impl Read for Multipart<'_, '_> {
    /// Bytes of the part at hand; none at its end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stage == Stage::Part && !buffer.is_empty() { self.give(buffer) } else { Ok(0) }
    }
}

/// What stands in base 64, lines and blanks passed over.
pub struct Base64<R> {
    source: R,
    packed: Vec<u8>,
    ready: Vec<u8>,
    from: usize,
}

impl<R: Read> Base64<R> {
    /// Over a stream of it.
    pub fn new(source: R) -> Self {
        Base64 { source, packed: Vec::new(), ready: Vec::new(), from: 0 }
    }

    /// What it would read, as it stands.
    pub fn inner(&mut self) -> &mut R {
        &mut self.source
    }
}

impl<R: Read> Read for Base64<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut room = vec![0; PIECE_BYTES];
        while self.from == self.ready.len() {
            let count = self.source.read(&mut room)?;
            self.packed.extend(room[..count].iter().filter(|byte| !byte.is_ascii_whitespace()));
            let whole = if count == 0 { self.packed.len() } else { self.packed.len() / 4 * 4 };
            self.ready =
                LENIENT.decode(&self.packed[..whole]).map_err(|error| unfit(format_args!("base 64: {error}")))?;
            self.from = 0;
            self.packed.drain(..whole);
            if count == 0 && self.ready.is_empty() {
                return Ok(0);
            }
        }
        let count = (self.ready.len() - self.from).min(buffer.len());
        buffer[..count].copy_from_slice(&self.ready[self.from..self.from + count]);
        self.from += count;
        Ok(count)
    }
}

/// Base 64 in lines of 64 characters, each ended by CRLF.
#[must_use]
pub fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let packed = LENIENT.encode(bytes);
    packed.as_bytes().chunks(64).flat_map(|line| [line, b"\r\n"].concat()).collect()
}

/// A value for a header line or a parameter: quoted where it has to be.
#[must_use]
pub fn quoted(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !text.is_empty() && text.chars().all(is_token) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A file name as a parameter: by RFC 2231 where it is more than ASCII.
#[must_use]
pub fn filename(name: &str) -> String {
    if name.is_ascii() {
        let printable: String = name.chars().filter(|c| !c.is_control()).collect();
        return format!("filename=\"{}\"", printable.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let packed: String = name
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("filename*=UTF-8''{packed}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most so many bytes at once.
    struct Dripping<'b>(&'b [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn parts(body: &[u8], boundary: &str, drip: usize) -> io::Result<Vec<Vec<u8>>> {
        let mut source = Dripping(body, drip);
        let mut peeked = Peeked::new(&mut source);
        let mut multipart = Multipart::new(&mut peeked, boundary)?;
        let mut found = Vec::new();
        while multipart.next_part()? {
            let mut part = Vec::new();
            multipart.read_to_end(&mut part)?;
            found.push(part);
        }
        Ok(found)
    }

    #[test]
    fn parts_are_as_they_stand_however_they_come() {
        let cases: [(&[u8], &[&[u8]]); 7] = [
            (b"--b\r\nA: 1\r\n\r\none\r\n--b\r\ntwo\r\n--b--\r\n", &[b"A: 1\r\n\r\none", b"two"]),
            (b"preamble\r\n--b \t\r\none\r\n--b--", &[b"one"]),
            (b"--b\none\n--b\ntwo\n--b--\nepilogue", &[b"one", b"two"]),
            (b"--b\r\n--bb\r\n--b x\r\n -- b\r\n--b--", &[b"--bb\r\n--b x\r\n -- b"]),
            (b"--b\r\n\r\n--b--", &[b""]),
            (b"--b\r\none\r\r\n--b--", &[b"one\r"]),
            (b"--b\r\n\r\n\r\n--b--\r\n", &[b"\r\n"]),
        ];
        for (body, expected) in cases {
            for drip in [1, 2, 3, 7, 1000] {
                let found = parts(body, "b", drip).unwrap_or_else(|error| panic!("{body:?}: {error}"));
                assert_eq!(found, expected, "{:?} by {drip}", String::from_utf8_lossy(body));
            }
        }
        for body in [&b"--b\r\none\r\n"[..], b"none", b"", b"--b\r\none\r\n--b"] {
            assert!(parts(body, "b", 3).is_err(), "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn heads_end_at_the_empty_line() {
        for (text, head) in
            [("A: 1\r\nB: 2\r\n\r\nbody", "A: 1\r\nB: 2\r\n\r\n"), ("A: 1\n\nbody", "A: 1\n\n"), ("\r\nbody", "\r\n")]
        {
            for drip in [1, 3, 100] {
                let mut source = Dripping(text.as_bytes(), drip);
                let mut peeked = Peeked::new(&mut source);
                assert_eq!(peeked.head().expect("a head"), head.as_bytes());
                let mut rest = String::new();
                peeked.read_to_string(&mut rest).expect("memory reads");
                assert_eq!(rest, "body");
            }
        }
    }

    #[test]
    fn values_with_parameters() {
        let found = Parameters::parse(
            "Multipart/Signed; Protocol=\"application/pkcs7-signature\"; micalg=sha-256;\tboundary=\"a;\\\"b\"",
        );
        assert_eq!(found.value, "multipart/signed");
        assert_eq!(found.get("protocol"), Some("application/pkcs7-signature"));
        assert_eq!(found.get("boundary"), Some("a;\"b"));
        for (text, expected) in [
            ("attachment; filename=plain.edi", "plain.edi"),
            ("attachment; filename=\"with blank.edi\"", "with blank.edi"),
            ("attachment; filename*=UTF-8''Auftr%C3%A4ge.edi", "Aufträge.edi"),
            ("attachment; filename*=iso-8859-1'de'Auftr%E4ge.edi", "Aufträge.edi"),
            ("attachment; filename*0=long; filename*1=er.edi", "longer.edi"),
            ("attachment; filename*0*=UTF-8''Auftr%C3; filename*1*=%A4ge; filename*2=%41.edi", "Aufträge%41.edi"),
            ("attachment; filename*0*=iso-8859-1'de'Auftr; filename*1*=%E4ge.edi", "Aufträge.edi"),
            ("attachment; filename=\"=?iso-8859-1?Q?Auftr=E4ge_50%.edi?=\"", "Aufträge 50%.edi"),
            ("attachment; filename*=UTF-8''a%+1b", "a%+1b"),
            ("attachment; filename=\"=?UTF-8?B?QXVmdHLDpGdl?=\"", "Aufträge"),
            ("attachment; filename=\"=?utf-8?Q?Auftr=C3=A4ge_1?=\"", "Aufträge 1"),
        ] {
            assert_eq!(Parameters::parse(text).extended("filename").as_deref(), Some(expected), "{text}");
        }
        for name in ["a.edi", "with \"quotes\" \\.edi", "Aufträge 1.edi"] {
            let written = Parameters::parse(&format!("attachment; {}", filename(name)));
            assert_eq!(written.extended("filename").as_deref(), Some(name));
        }
    }

    #[test]
    fn base64_in_lines_of_any_kind() {
        let bytes: Vec<u8> = (0..=255).collect();
        for drip in [1, 3, 1000] {
            let lines = base64_lines(&bytes);
            let mut found = Vec::new();
            Base64::new(Dripping(&lines, drip)).read_to_end(&mut found).expect("base 64");
            assert_eq!(found, bytes);
        }
        let mut found = Vec::new();
        Base64::new(&b"QU JD\nRA"[..]).read_to_end(&mut found).expect("without padding");
        assert_eq!(found, b"ABCD");
        assert!(Base64::new(&b"QU*D"[..]).read_to_end(&mut found).is_err());
    }
}
