//! What a message cannot be done without: the primitives on the same bytes, in one piece each and in memory.

use crate::Bench;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use portolan::transport::as2::crypto::{Cipher, Digest, KeyKind, KeyTransport, Scheme, verify, wrap};
use std::hint::black_box;

/// Bytes of a receipt that are signed, about.
const RECEIPT_BYTES: usize = 800;

/// What cannot be done without, in one piece each.
pub struct Limit<'l> {
    bench: &'l Bench,
    content: &'l [u8],
    cipher: Cipher,
    key: [u8; 32],
    encrypted: Vec<u8>,
    iv: Option<DecryptionIv>,
    signature: Vec<u8>,
    wrapped: Vec<u8>,
}

type DecryptionIv = [u8; 16];

impl<'l> Limit<'l> {
    pub fn new(bench: &'l Bench, content: &'l [u8], cipher: Cipher) -> Self {
        let key = [7; 32];
        let signature = bench.sender.own.private.sign(Scheme::Pkcs1, Digest::Sha256, b"attributes").expect("signed");
        let spki = &bench.receiver.own.certificate.spki;
        let wrapped = wrap(spki, KeyTransport::Pkcs1, &key).expect("wrapped");
        let mut limit = Limit { bench, content, cipher, key, encrypted: Vec::new(), iv: None, signature, wrapped };
        (limit.encrypted, limit.iv) = limit.encrypt();
        limit
    }

    fn encrypt(&self) -> (Vec<u8>, Option<DecryptionIv>) {
        let mut bytes = self.content.to_vec();
        if self.cipher.is_gcm() {
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.key).expect("a key"));
            let nonce = Nonce::assume_unique_for_key([1; 12]);
            key.seal_in_place_append_tag(nonce, Aad::empty(), &mut bytes).expect("encrypted");
            return (bytes, None);
        }
        let key = UnboundCipherKey::new(&AES_256, &self.key).expect("a key");
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("a key");
        let context = EncryptionContext::Iv128(FixedLength::from([1; 16]));
        key.less_safe_encrypt(&mut bytes, context).expect("encrypted");
        (bytes, Some([1; 16]))
    }

    pub fn build(&self) {
        black_box(digest::digest(&digest::SHA256, self.content));
        black_box(self.bench.sender.own.private.sign(Scheme::Pkcs1, Digest::Sha256, b"attributes").expect("signed"));
        black_box(wrap(&self.bench.receiver.own.certificate.spki, KeyTransport::Pkcs1, &self.key).expect("wrapped"));
        black_box(self.encrypt());
    }

    pub fn open(&self) {
        let private = &self.bench.keys[0].private;
        black_box(private.unwrap(KeyTransport::Pkcs1, &self.wrapped).expect("unwrapped"));
        let mut bytes = self.encrypted.clone();
        let plain = match self.iv {
            None => {
                let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.key).expect("a key"));
                let nonce = Nonce::assume_unique_for_key([1; 12]);
                key.open_in_place(nonce, Aad::empty(), &mut bytes).expect("decrypted")
            }
            Some(iv) => {
                let key = UnboundCipherKey::new(&AES_256, &self.key).expect("a key");
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).expect("a key");
                let context = DecryptionContext::Iv128(FixedLength::from(iv));
                key.decrypt(&mut bytes, context).expect("decrypted")
            }
        };
        assert_eq!(plain.len(), self.content.len());
        black_box(digest::digest(&digest::SHA256, plain));
        let spki = &self.bench.sender.own.certificate.spki;
        assert!(verify(KeyKind::Rsa, spki, Scheme::Pkcs1, Digest::Sha256, b"attributes", &self.signature));
    }

    /// What receiving asks for beside opening: the receipt, and its signature.
    pub fn receive(&self) {
        self.open();
        black_box(digest::digest(&digest::SHA256, &[b' '; RECEIPT_BYTES]));
        let own = &self.bench.keys[0].private;
        black_box(own.sign(Scheme::Pkcs1, Digest::Sha256, b"attributes").expect("signed"));
    }
}
