//! Stars over the secrets of a body, before anything of it is kept or told: over what stands in every element and attribute
//! named `SharedSecret`, whoever it speaks for, in whichever document or part of the body, in comments and in broken markup
//! too, and over the texts that a document declares which has such an element, since one of them may be its content.
//!
//! It looks at bytes and not at text, so that it needs no character set: in all sets that a document may declare here
//! (`xml::declared`), the bytes of `<`, `>`, `/`, `:` and of blanks are never part of another character. It follows no rules
//! of XML beyond that, and hides rather too much: of what it cannot follow, all is hidden; in UTF-16, from the name of such an
//! element on, or from the document type before it. Archives are not opened.

use super::related::{Packing, Piece, pieces};
use std::ops::Range;

const NAME: &[u8] = b"SharedSecret";

/// Puts a star in the place of every byte of every secret.
pub fn star(content_type: &str, body: &mut [u8]) {
    for Piece { range, content, packing } in pieces(content_type, body) {
        let is_hidden = packing != Packing::Not
            && packing
                .unpacked(&body[content..range.end])
                .is_none_or(|bytes| is_named(&bytes) || wide(&bytes).is_some());
        let packed = is_hidden.then_some(content - range.start..range.len());
        let piece = &mut body[range];
        let wide = wide(piece).map(|begin| begin..piece.len());
        let all = secrets(piece).into_iter().chain(attributes(piece)).chain(declared(piece)).chain(wide).chain(packed);
        for secret in all {
            piece[secret].fill(b'*');
        }
    }
}

/// Whether the name stands in a text.
fn is_named(bytes: &[u8]) -> bool {
    named(bytes, 0).is_some()
}

/// Where the name stands next.
fn named(bytes: &[u8], from: usize) -> Option<usize> {
    let found = bytes.get(from..)?.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME))?;
    Some(from + found)
}

/// From where on a text in UTF-16 is hidden that holds the name, whichever byte of its characters comes first.
fn wide(bytes: &[u8]) -> Option<usize> {
    let find = |wanted: &[u8]| {
        let is_it = |window: &[u8]| {
            window.iter().step_by(2).zip(wanted).all(|(byte, own)| byte.eq_ignore_ascii_case(own))
                && window.iter().skip(1).step_by(2).all(|byte| *byte == 0)
        };
        bytes.windows(2 * wanted.len() - 1).position(is_it)
    };
    let name = find(NAME)?;
    Some(find(b"<!DOCTYPE").map_or(name, |begin| begin.min(name)))
}

/// What attributes of the name hold, in one walk.
fn attributes(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    let past_blanks = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    while let Some(name) = named(bytes, at) {
        at = past_blanks(name + NAME.len());
        if bytes.get(at) == Some(&b'=') {
            at = past_blanks(at + 1);
            if let Some(quote @ (b'"' | b'\'')) = bytes.get(at) {
                let end = position(bytes, at + 1, *quote).unwrap_or(bytes.len());
                found.push(at + 1..end);
                at = end;
            }
        }
    }
    found
}

/// What stands in quotes in declarations of entities and attributes, in one walk.
fn declared(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    let is_one = |rest: &[u8], one: &[u8]| rest.get(..one.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(one));
    while let Some(begin) = position(bytes, at, b'<').filter(|_| at > 0 || is_named(bytes)) {
        at = begin + 1;
        if !is_one(&bytes[begin..], b"<!ENTITY") && !is_one(&bytes[begin..], b"<!ATTLIST") {
            continue;
        }
        while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'>') {
            if matches!(byte, b'"' | b'\'') {
                let end = position(bytes, at + 1, *byte).unwrap_or(bytes.len());
                found.push(at + 1..end);
                at = end;
            }
            at += 1;
        }
    }
    found
}

/// Where the secrets stand, in one walk.
fn secrets(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Where the comment ends that we are in, or the text that is no markup: what begins in it ends in it.
    let mut fence = 0;
    let mut at = 0;
    while let Some(tag) = position(bytes, at, b'<') {
        at = tag + 1;
        if tag >= fence {
            fence = aside(bytes, tag).map_or(fence, |inside| inside.end);
        }
        if let Some(content) = opened(bytes, tag) {
            let limit = if tag < fence { fence.max(content) } else { bytes.len() };
            let end = closed(&bytes[..limit], content);
            found.push(content..end);
            at = end;
        }
    }
    found
}

/// Where what the element holds begins, if such a one begins here and holds anything.
fn opened(bytes: &[u8], tag: usize) -> Option<usize> {
    let name = name(bytes, tag + 1);
    if !is_secret(&bytes[name.clone()]) {
        return None;
    }
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate().skip(name.end) {
        match (byte, quote) {
            // No tag holds one: this one is broken, and what follows its first bracket may be the secret.
            (b'<', _) => {
                return Some(position(&bytes[..at], name.end, b'>').map_or(name.end, |bracket| bracket + 1));
            }
            (b'>', None) => return (bytes[at - 1] != b'/').then_some(at + 1),
            (b'"' | b'\'', None) => quote = Some(*byte),
            (byte, Some(own)) if *byte == own => quote = None,
            _ => {}
        }
    }
    Some(position(bytes, name.end, b'>').map_or(name.end, |bracket| bracket + 1))
}

/// Where the element ends whose content begins here; that of one that is not closed, at the end of all.
fn closed(bytes: &[u8], content: usize) -> usize {
    let (mut depth, mut at) = (1, content);
    while let Some(tag) = position(bytes, at, b'<') {
        at = tag + 1;
        if let Some(inside) = aside(bytes, tag) {
            at = inside.end;
        } else if bytes.get(at) == Some(&b'/') && is_secret(&bytes[name(bytes, at + 1)]) {
            depth -= 1;
            if depth == 0 {
                return tag;
            }
        } else if opened(bytes, tag).is_some() {
            depth += 1;
        }
    }
    bytes.len()
}

/// What stands in the comment or the CDATA section that begins here; what is not closed, reaches to the end of all.
fn aside(bytes: &[u8], tag: usize) -> Option<Range<usize>> {
    let inside = |begin: &[u8], end: &[u8]| {
        let rest = bytes[tag..].strip_prefix(begin)?;
        let length = rest.windows(end.len()).position(|window| window == end).unwrap_or(rest.len());
        Some(tag + begin.len()..tag + begin.len() + length)
    };
    inside(b"<!--", b"-->").or_else(|| inside(b"<![CDATA[", b"]]>"))
}

/// The name that begins here, with its prefix.
fn name(bytes: &[u8], begin: usize) -> Range<usize> {
    let is_end = |byte: &u8| matches!(byte, b'<' | b'>' | b'/') || byte.is_ascii_whitespace();
    let rest = bytes.get(begin..).unwrap_or_default();
    begin..rest.iter().position(is_end).map_or(bytes.len(), |length| begin + length)
}

fn is_secret(name: &[u8]) -> bool {
    let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
    local.eq_ignore_ascii_case(NAME)
}

fn position(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    Some(from + bytes.get(from..)?.iter().position(|byte| *byte == wanted)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::cxml::header;

    fn starred(text: &str) -> String {
        let mut body = text.as_bytes().to_vec();
        star("text/xml", &mut body);
        String::from_utf8(body).expect("text")
    }

    #[test]
    fn secrets_are_starred_wherever_they_stand() {
        for (text, expected) in [
            ("<a><SharedSecret>s1</SharedSecret>s2</a>", "<a><SharedSecret>**</SharedSecret>s2</a>"),
            ("<p:SharedSecret b='>'>s</p:SharedSecret >", "<p:SharedSecret b='>'>*</p:SharedSecret >"),
            ("<SharedSecret/>a<SharedSecret />b", "<SharedSecret/>a<SharedSecret />b"),
            ("<SharedSecrets>a</SharedSecrets>", "<SharedSecrets>a</SharedSecrets>"),
            // In each other, in a section and around a comment that end them in words only.
            (
                "<SharedSecret>a<SharedSecret>b</SharedSecret>c</SharedSecret>d",
                "<SharedSecret>********************************</SharedSecret>d",
            ),
            (
                "<SharedSecret><![CDATA[</SharedSecret>]]>a</SharedSecret>b",
                "<SharedSecret>****************************</SharedSecret>b",
            ),
            (
                "<SharedSecret>a<!--</SharedSecret>-->b</SharedSecret>c",
                "<SharedSecret>************************</SharedSecret>c",
            ),
            // Where nothing should stand: in comments and sections, which end what begins in them.
            ("<!-- <SharedSecret>s</SharedSecret> -->", "<!-- <SharedSecret>*</SharedSecret> -->"),
            ("<!--<SharedSecret>s--><a>1</a>", "<!--<SharedSecret>*--><a>1</a>"),
            ("<![CDATA[<SharedSecret>s</SharedSecret>]]>", "<![CDATA[<SharedSecret>*</SharedSecret>]]>"),
            ("<!-- <SharedSecret --><a>1</a>", "<!-- <SharedSecret --><a>1</a>"),
            // In attributes, and in what the document declares.
            ("<a SharedSecret = 's1' b='c'/>s2", "<a SharedSecret = '**' b='c'/>s2"),
            ("<a sharedsecret=\"s1'\"/>", "<a sharedsecret=\"***\"/>"),
            ("<a SharedSecret='s1", "<a SharedSecret='**"),
            (
                "<!DOCTYPE a SYSTEM \"u\" [<!ENTITY s \"s>\"><!attlist a b CDATA 's'>]><SharedSecret>&s;</SharedSecret>",
                "<!DOCTYPE a SYSTEM \"u\" [<!ENTITY s \"**\"><!attlist a b CDATA '*'>]><SharedSecret>***</SharedSecret>",
            ),
            ("<!ENTITY s 's<SharedSecret>&s;</SharedSecret>", "<!ENTITY s '*********************************"),
            ("<!DOCTYPE a [<!ENTITY s \"t\">]><a>&s;</a>", "<!DOCTYPE a [<!ENTITY s \"t\">]><a>&s;</a>"),
            // Broken markup.
            ("<SharedSecret>s</Credential></cXML>", "<SharedSecret>*********************"),
            ("<SharedSecret a='x>s</SharedSecret>", "<SharedSecret a='x>*</SharedSecret>"),
            ("<SharedSecret s</SharedSecret>", "<SharedSecret**</SharedSecret>"),
            ("<SharedSecret s", "<SharedSecret**"),
            ("<SharedSecret>s", "<SharedSecret>*"),
            ("<a></a><b><SharedSecret>s</SharedSecret>", "<a></a><b><SharedSecret>*</SharedSecret>"),
        ] {
            assert_eq!(starred(text), expected);
        }
    }

    #[test]
    fn secrets_are_starred_in_every_character_set() {
        for (charset, name) in [
            (encoding_rs::EUC_JP, &b"\xC5\xC5\x8F\xB0\xA1"[..]),
            (encoding_rs::GBK, b"\x81\x40\x81\x30\x81\x36"),
            (encoding_rs::BIG5, b"\xA5\x5C\x88\x62"),
            (encoding_rs::SHIFT_JIS, b"\x83\x5C\x95\x5C"),
            (encoding_rs::GB18030, b"\x90\x30\x81\x30\x81\x5C"),
            (encoding_rs::EUC_KR, b"\x81\x41\xB0\xA1"),
        ] {
            assert!(!charset.decode(name).2, "{}", charset.name());
            let body = |secret: &[u8]| {
                let (begin, end) = (&b"</a><b><SharedSecret>"[..], &b"</SharedSecret></b><c>"[..]);
                [b"<a>", name, begin, secret, end, name, b"</c>"].concat()
            };
            let mut starred = body(name);
            star("text/xml", &mut starred);
            assert_eq!(starred, body("*".repeat(name.len()).as_bytes()), "{}", charset.name());
        }
    }

    #[test]
    fn every_part_of_a_body_is_starred_by_itself() {
        let part = |text: &str| format!("--b\r\nContent-Type: text/xml\r\n\r\n{text}\r\n");
        let secret = "<SharedSecret>s</SharedSecret>";
        let body = format!(
            "<!--{secret}\r\n{}{}{}--b--\r\n{secret}",
            part("<!--<SharedSecret>"),
            part(secret),
            part("<SharedSecret>s")
        );
        let mut bytes = body.clone().into_bytes();
        star("multipart/related; boundary=b", &mut bytes);
        let starred = String::from_utf8(bytes).expect("text");
        assert_eq!(starred, body.replace("<SharedSecret>s", "<SharedSecret>*"));
    }

    #[test]
    fn what_cannot_be_followed_is_hidden_as_a_whole() {
        use base64::Engine as _;
        let secret = "<cXML><SharedSecret>s3cret</SharedSecret></cXML>";
        let part = |encoding: &str, content: &str| {
            format!("--b\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{content}\r\n")
        };
        let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let packed = [
            part("base64", &base64(secret.as_bytes())),
            part("base64", &base64(b"a drawing")),
            part("quoted-printable", "=3CSharedSecret=3Es3=\r\ncret"),
            part("quoted-printable", "a=3Ddrawing"),
        ];
        let body = format!("{}--b--", packed.concat());
        let mut starred = body.clone().into_bytes();
        star("multipart/related; boundary=b", &mut starred);
        let hidden = |part: &str| {
            let content = part.find("\r\n\r\n").expect("a head") + 4;
            format!("{}{}\r\n", &part[..content], "*".repeat(part.len() - content - 2))
        };
        let expected = format!("{}{}{}{}--b--", hidden(&packed[0]), packed[1], hidden(&packed[2]), packed[3]);
        assert_eq!(String::from_utf8(starred).expect("text"), expected);
        let first = &packed[0];
        let nested = format!("--c\r\n{}--c--\r\n", &first["--b\r\n".len()..]);
        let long = format!("--b\r\nX: {}\r\n{}", "x".repeat(16 * 1024), &first["--b\r\n".len()..]);
        for part in [
            first.replace(": base64", ":\r\n base64"),
            first.replace("base64", "base64 (packed)"),
            first.replace("base64", "base64;x"),
            first.replace("base64", "x-base64"),
            part("quoted-printable", "=3CShared= \r\nSecret=3Es3cret"),
            part("7bit\r\nContent-Type: multipart/mixed; boundary=c", &nested),
            part("7bit\r\nContent-Type: message/rfc822", &first["--b\r\n".len()..]),
            part("7bit\r\nContent-Type: multipart/mixed; boundary=d", &nested),
            long,
        ] {
            let mut starred = format!("{part}--b--").into_bytes();
            star("multipart/related; boundary=b", &mut starred);
            let starred = String::from_utf8(starred).expect("text");
            for line in part.lines().filter(|line| line.starts_with("PGNYTUw") || line.contains("s3cret")) {
                assert!(!starred.contains(line), "{starred}");
            }
            assert!(starred.contains("**"), "{starred}");
        }
        for to_bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            let mut body: Vec<u8> = secret.encode_utf16().flat_map(to_bytes).collect();
            let begin = wide(&body).expect("a name");
            star("text/xml", &mut body);
            assert!(body[begin..].iter().all(|byte| *byte == b'*') && body[..begin].iter().all(|byte| *byte != b'*'));
        }
    }

    /// What is read as a secret is stars, whatever the markup is like.
    #[test]
    fn no_secret_is_read_of_what_was_starred() {
        const PIECES: [&str; 14] = [
            "<Header><Sender><Credential>",
            "<SharedSecret>",
            "</SharedSecret>",
            "<SharedSecret a=\"",
            "\">",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "s3cret",
            "<x/>",
            "/>",
            "<SharedSecret\n",
            "</Credential>",
        ];
        let mut state = 7_u64;
        let mut read = 0;
        for _ in 0..20_000 {
            let mut text = "<cXML><Header><Sender><Credential><SharedSecret>".to_owned();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(PIECES[(state >> 33) as usize % PIECES.len()]);
            }
            read += usize::from(
                header(&text).sender.iter().any(|one| one.secret.as_deref().unwrap_or("").contains("s3cret")),
            );
            let found = header(&starred(&text));
            let told = found.sender.iter().filter_map(|one| one.secret.as_deref());
            told.for_each(|secret| assert!(!secret.contains("s3cret"), "{text}"));
        }
        assert!(read > 100, "only {read} had one before");
    }

    #[test]
    fn a_body_of_secrets_is_walked_through_once() {
        for piece in [
            "<SharedSecret>",
            "<SharedSecret a='",
            "<SharedSecret>s</SharedSecret>",
            "<!--",
            "<![CDATA[",
            "<",
            "<SharedSecret><!--",
            "<SharedSecret='",
            "SharedSecret=",
            "<SharedSecret><!ENTITY ",
            "<!ENTITY '",
        ] {
            let mut body = piece.repeat(2_000_000 / piece.len()).into_bytes();
            let begin = std::time::Instant::now();
            star("text/xml", &mut body);
            assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{piece}");
        }
        let head = "Content-Type: multipart/mixed; boundary=b\n\n--b\n";
        let quoted = format!("Content-Transfer-Encoding: quoted-printable\n\n{}", "= ".repeat(1_000_000));
        for content in [head.repeat(2_000_000 / head.len()), quoted] {
            let mut body = format!("--b\n{content}").into_bytes();
            let begin = std::time::Instant::now();
            star("multipart/related; boundary=b", &mut body);
            assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{}", &content[..40]);
        }
    }
}
