// What must hold for any message of AS2 whatever: reading it ends, and nothing is taken that nobody signed. Included by the
// libFuzzer target and by the seeded driver `tests/as2/fuzz.rs`.

use jiff::Timestamp;
use portolan::id::Random;
use portolan::transport::as2::asn1::Ber;
use portolan::transport::as2::certificate::{Certificate, OwnKey, private_key};
use portolan::transport::as2::crypto::Digest;
use portolan::transport::as2::frame::around;
use portolan::transport::as2::mime::{Headers, Parameters, Peeked};
use portolan::transport::as2::name::{ReceiptWish, bare_id, message_id, micalg, name, written};
use portolan::transport::as2::open::{Outlets, Policy, Seen, open, open_clear};
use portolan::transport::as2::receipt;
use portolan::transport::as2::refused::Refused;
use std::io::Read as _;
use std::sync::Arc;

/// Bytes that nobody needs to guess here.
struct Same;

impl Random for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Elements end, and so does what is read of certificates and keys.
pub fn elements_end(input: &[u8]) {
    let mut ber = Ber::new(input);
    while matches!(ber.peek(), Ok(Some(_))) {
        if ber.whole().is_err() {
            break;
        }
    }
    let mut ber = Ber::new(input);
    while let Ok(Some(tag)) = ber.peek() {
        if ber.enter(tag).is_err() && ber.pass().is_err() {
            break;
        }
    }
    let _ = Certificate::from_der(input);
    let _ = Certificate::all(input);
    let _ = private_key(input);
}

/// Header lines and body of what travels.
pub fn split(input: &[u8]) -> (Headers, &[u8]) {
    let mut source = input;
    match Peeked::new(&mut source).head() {
        Ok(head) => (Headers::parse(&head), &input[head.len()..]),
        Err(_) => (Headers::default(), input),
    }
}

/// Values of header lines are read whatever they say, and what is taken of a name is the same when it is written again.
pub fn values_end(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for line in text.lines() {
        let (_, value) = line.split_once(": ").unwrap_or(("", line));
        if let Ok(found) = name(value) {
            assert_eq!(name(&written(&found)), Ok(found), "of {value:?}");
        }
        if let Ok(found) = message_id(value) {
            assert!(found.contains(bare_id(&found)), "of {value:?}");
        }
        let wish = ReceiptWish::parse(Some(value), Some(value), Some(value));
        assert!(wish.digests.is_empty() || wish.unknown_digests.is_none(), "of {value:?}: {wish:?}");
        assert_eq!(ReceiptWish::parse(None, None, Some(value)), ReceiptWish::default(), "nobody asks for one");
        let parameters = Parameters::parse(value);
        for key in ["filename", "name", "boundary"] {
            let _ = (parameters.get(key), parameters.extended(key));
        }
        let _ = micalg(&parameters);
    }
}

/// Opens a message; its payload only where it was taken.
pub fn opened(
    input: &[u8],
    trusted: &[Certificate],
    keys: &[Arc<OwnKey>],
    now: Timestamp,
) -> (Seen, Result<Vec<u8>, Refused>) {
    let (headers, mut body) = split(input);
    let policy = Policy {
        trusted,
        keys,
        must_be_signed: true,
        must_be_encrypted: false,
        allows_legacy: true,
        receipt_digest: Digest::Sha256,
        takes_crlf: false,
        payload_bytes_max: 1 << 20,
        now,
    };
    let mut payload = Vec::new();
    let mut clear = Vec::new();
    let outlets = Outlets { payload: &mut payload, clear: Some(&mut clear), leaves_out: true };
    let (seen, done) = open(&headers, &mut body, &policy, &Same, outlets);
    if let (Ok(()), Some(at)) = (&done, seen.payload_at) {
        let frame = std::mem::take(&mut clear);
        let mut message = around(&frame[..], &payload[..], at).expect("it is as long");
        message.read_to_end(&mut clear).expect("memory reads");
    }
    if done.is_ok() && !clear.is_empty() {
        let mut again = Vec::new();
        let opened = open_clear(&mut &clear[..], &policy, &Same, &mut again).map(|(kept, done)| (kept.mic, done));
        assert!(matches!(&opened, Ok((mic, Ok(()))) if *mic == seen.mic), "what was kept proves nothing: {opened:?}");
        assert_eq!(again, payload, "what was kept holds something else");
    }
    (seen, done.map(|()| payload))
}

/// A message ends, and where nobody is trusted nothing is taken.
pub fn messages_end(input: &[u8]) {
    let (_, done) = opened(input, &[], &[], Timestamp::UNIX_EPOCH);
    assert!(done.is_err(), "a message that nobody signed is taken");
}

/// A receipt ends, and is nobody's who is not trusted.
pub fn receipts_end(input: &[u8]) {
    let (headers, body) = split(input);
    let _ = receipt::about(&headers, body);
    if let Ok(found) = receipt::read(&headers, body, &[], Timestamp::UNIX_EPOCH) {
        assert_eq!(found.signed_by, None, "a receipt is signed by one who is not trusted");
    }
    let mut rest = Vec::new();
    let mut source = body;
    let _ = Peeked::new(&mut source).read_to_end(&mut rest);
    assert_eq!(rest, body);
}
