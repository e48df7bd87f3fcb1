//! The fuzz checks of AS2 on stable Rust: messages and receipts damaged by a seeded generator. `FUZZ_SEED` and `FUZZ_ROUNDS`
//! choose other or more damage; a failure prints both. `make fuzz` goes deeper.

#[path = "../../fuzz/as2.rs"]
mod checks;
#[path = "../dice/mod.rs"]
mod dice;

use super::keys::{P256, PLAIN, RECEIVER, RSA, again, recipient, sealed, wire};
use dice::{Dice, number};
use portolan::clock::{Clock as _, SystemClock};
use portolan::transport::as2::cms::GcmForm;
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::as2::open::Mic;
use portolan::transport::as2::receipt::{self, Disposition, Receipt};
use portolan::transport::as2::seal::{Compression, Protection};

/// Pieces that mean something somewhere.
const PIECES: [&[u8]; 12] = [
    &[0x30, 0x80],
    &[0, 0],
    &[0x24, 0x80],
    &[0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
    &[0xA0, 0x80],
    &[0x31, 0],
    b"\r\n\r\n",
    b"Content-Type: multipart/signed; boundary=b\r\n",
    b"Content-Type: application/pkcs7-mime\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"--b--\r\n",
    b"\n",
];

fn damaged(sample: &[u8], samples: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len() + 1);
        let end = (at + dice.roll(60)).min(bytes.len());
        match dice.roll(7) {
            0 | 1 if at < bytes.len() => bytes[at] = dice.roll(256) as u8,
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, PIECES[dice.roll(PIECES.len())].iter().copied())),
            4 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            5 => {
                let other = &samples[dice.roll(samples.len())];
                let from = dice.roll(other.len());
                let part = other[from..(from + 300).min(other.len())].to_vec();
                drop(bytes.splice(at..end, part));
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

const CONTENT: &[u8] = b"ISA*00*4711~";

/// Values that are read on their own.
const LINES: [&str; 3] = [
    "AS2-From: \"A \\\"B\\\" \\\\\"\r\nAS2-To: B\r\nMessage-ID: <1@a>\r\n",
    "Disposition-Notification-Options: signed-receipt-protocol=required, pkcs7-signature; \
     signed-receipt-micalg=optional, \"sha-256\", sha1\r\nReceipt-Delivery-Option: http://a/\r\n",
    "Content-Disposition: attachment; filename*0*=UTF-8''%e2%82; filename*1=\"a.edi\"; filename==?utf-8?B?w7w=?=\r\n",
];

/// Messages in each form, and receipts, as they travel.
fn samples() -> Vec<Vec<u8>> {
    let content = CONTENT.to_vec();
    let (rsa, curve) = ([recipient(&RECEIVER, KeyTransport::Pkcs1)], [recipient(&P256, KeyTransport::Pkcs1)]);
    let sign = Some((&RSA.own, Scheme::Pkcs1, Digest::Sha256));
    let plain = Protection { sign, ..PLAIN };
    let with = |compress, encrypt| Protection { compress, encrypt, ..plain };
    let mut found: Vec<Vec<u8>> = [
        with(None, None),
        with(Some(Compression::BeforeSigning), None),
        with(Some(Compression::AfterSigning), None),
        with(None, Some((Cipher::Aes256Cbc, GcmForm::AuthEnveloped, &rsa[..]))),
        with(None, Some((Cipher::Aes128Gcm, GcmForm::Enveloped, &rsa[..]))),
        with(Some(Compression::BeforeSigning), Some((Cipher::Aes256Gcm, GcmForm::AuthEnveloped, &curve[..]))),
    ]
    .iter()
    .map(|protection| {
        let (headers, body) = wire(&sealed(&content, protection));
        let lines: String = headers.0.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        [lines.as_bytes(), b"\r\n", &body].concat()
    })
    .collect();
    let mic = Mic { digest: Digest::Sha256, value: vec![1; 32] };
    let disposition = Disposition::Processed;
    let receipt = Receipt {
        agent: "a",
        receiver: "B",
        message_id: "<1@a>",
        disposition: &disposition,
        mic: Some(&mic),
        text: "received",
    };
    let body = receipt.write("b");
    // Signed by another than who signs messages, so that none is taken for one.
    let way = (&RECEIVER.own, Scheme::Pkcs1, Digest::Sha256);
    let signed = receipt::sign(&body, way, "c", SystemClock.now()).expect("it is signed");
    let travels = |body: &receipt::Body| {
        [format!("Content-Type: {}\r\n\r\n", body.content_type).as_bytes(), &body.bytes].concat()
    };
    found.extend([travels(&body), travels(&signed), RSA.own.certificate.der().to_vec()]);
    found.extend(LINES.map(|lines| lines.as_bytes().to_vec()));
    found
}

#[test]
fn damaged_messages_end_and_are_never_taken_for_others() {
    let (seed, rounds) = (number("FUZZ_SEED", 20_261_126), number("FUZZ_ROUNDS", 4_000));
    let samples = samples();
    let (trusted, keys) = ([RSA.own.certificate.clone()], [again(&RECEIVER), again(&P256)]);
    let mut taken = 0;
    for round in 0..rounds {
        let mut dice = Dice::new(seed, round);
        let input = damaged(&samples[dice.roll(samples.len())], &samples, &mut dice);
        let told = std::panic::catch_unwind(|| {
            checks::elements_end(&input);
            checks::elements_end(checks::split(&input).1);
            checks::values_end(&input);
            checks::messages_end(&input);
            checks::receipts_end(&input);
            let (_, done) = checks::opened(&input, &trusted, &keys, SystemClock.now());
            // What is taken is what was signed, however it was packed.
            done.map(|payload| assert_eq!(payload, CONTENT)).is_ok()
        });
        match told {
            Ok(is_taken) => taken += u64::from(is_taken),
            Err(panic) => {
                eprintln!("FUZZ_SEED={seed} round {round}: {}", input.escape_ascii());
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(rounds < 1000 || taken > 0, "no damage was harmless: the samples are not read at all");
}
