//! GCM as a stream (NIST SP 800-38D): counter mode and GHASH side by side, since the provider's own GCM wants the whole message
//! and has no counter to begin from. Runs of GHASH are the provider's too, by way of a message that is empty: its tag is
//! made of the associated data alone. No such tag leaves this file.

use super::{BLOCK_BYTES, Cipher, Failed, NONCE_BYTES, TAG_BYTES};
use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::cipher::{EncryptionContext, StreamingEncryptingKey};
use aws_lc_rs::iv::FixedLength;
use ghash::GHash;
use ghash::universal_hash::UniversalHash as _;

/// Bytes that GCM encrypts under one nonce, at most (5.2.1.1).
const BYTES_MAX: u64 = (1 << 36) - 32;
/// Bytes of a run that the provider can be given: two blocks, see [`Authenticator::run`].
const RUN_BYTES: usize = 2 * BLOCK_BYTES;

type Block = [u8; BLOCK_BYTES];

/// The counter mode and the authentication of GCM under one nonce.
pub(super) fn begin(
    cipher: Cipher,
    key: &[u8],
    nonce: &[u8],
) -> Result<(StreamingEncryptingKey, Authenticator), Failed> {
    let counter = |block: Block| {
        let context = EncryptionContext::Iv128(FixedLength::from(&block));
        Ok::<_, Failed>(StreamingEncryptingKey::less_safe_ctr(cipher.key(key)?, context)?)
    };
    let first = |stream: &mut StreamingEncryptingKey| {
        let (mut found, mut room) = ([0; BLOCK_BYTES], [0; 2 * BLOCK_BYTES]);
        let written = stream.update(&[0; BLOCK_BYTES], &mut room)?.written().len();
        found.copy_from_slice(room.get(..written).filter(|it| it.len() == BLOCK_BYTES).ok_or(Failed)?);
        Ok::<_, Failed>(found)
    };
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Failed)?;
    let mut block = [0; BLOCK_BYTES];
    block[..NONCE_BYTES].copy_from_slice(&nonce);
    block[BLOCK_BYTES - 1] = 1;
    let subkey = first(&mut counter([0; BLOCK_BYTES])?)?;
    let mut stream = counter(block)?;
    let mask = first(&mut stream)?;
    let authenticator = Authenticator {
        whole: cipher.gcm_key(key)?,
        nonce,
        hash: GHash::new(&subkey.into()),
        ahead: [0; BLOCK_BYTES],
        rest: [0; BLOCK_BYTES],
        rest_bytes: 0,
        length: 0,
        mask,
    };
    Ok((stream, authenticator))
}

/// The authentication of GCM beside its counter mode.
pub(super) struct Authenticator {
    /// GCM under the same key and nonce, for the sake of its GHASH.
    whole: LessSafeKey,
    nonce: [u8; NONCE_BYTES],
    /// GHASH of nothing.
    hash: GHash,
    /// GHASH of the blocks so far, multiplied by the subkey H once more: what a tag has.
    ahead: Block,
    /// What is left of a block, and how much that is.
    rest: Block,
    rest_bytes: usize,
    length: u64,
    /// What the tag of the message is masked with; that of an empty one too.
    mask: Block,
}

impl Authenticator {
    /// Takes the next bytes, which are afterwards as they were.
    pub fn update(&mut self, mut ciphertext: &mut [u8]) -> Result<(), Failed> {
        self.length += ciphertext.len() as u64;
        if self.length > BYTES_MAX {
            return Err(Failed);
        }
        if self.rest_bytes > 0 {
            let (begin, behind) = ciphertext.split_at_mut(ciphertext.len().min(BLOCK_BYTES - self.rest_bytes));
            self.rest[self.rest_bytes..self.rest_bytes + begin.len()].copy_from_slice(begin);
            self.rest_bytes += begin.len();
            ciphertext = behind;
            if self.rest_bytes < BLOCK_BYTES {
                return Ok(());
            }
            self.block(self.rest);
            self.rest_bytes = 0;
        }
        let (whole, rest) = ciphertext.split_at_mut(ciphertext.len() - ciphertext.len() % BLOCK_BYTES);
        if whole.len() >= RUN_BYTES {
            self.run(whole)?;
        } else {
            whole.as_chunks().0.iter().for_each(|block| self.block(*block));
        }
        self.rest[..rest.len()].copy_from_slice(rest);
        self.rest_bytes = rest.len();
        Ok(())
    }

    /// A block multiplied by H.
    fn times(&self, block: Block) -> Block {
        let mut hash = self.hash.clone();
        hash.update(&[block.into()]);
        hash.finalize().into()
    }

    fn block(&mut self, block: Block) {
        self.ahead = self.times(xor(self.ahead, self.times(block)));
    }

    /// Whole blocks, two at least. GHASH of blocks C1, C2 … behind a state Y is ((Y + C1) H + C2) H …, and so that of C1,
    /// C2 + Y H … behind nothing. The tag that comes of them is (their GHASH + their length) H, masked.
    fn run(&mut self, blocks: &mut [u8]) -> Result<(), Failed> {
        let carry = |blocks: &mut [u8], ahead: Block| {
            let second = blocks.iter_mut().skip(BLOCK_BYTES).zip(ahead);
            second.for_each(|(byte, ahead)| *byte ^= ahead);
        };
        carry(blocks, self.ahead);
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let tag = self.whole.seal_in_place_separate_tag(nonce, Aad::from(&*blocks), &mut []);
        carry(blocks, self.ahead);
        let tag: Block = tag?.as_ref().try_into().map_err(|_| Failed)?;
        let length = self.times(lengths(blocks.len() as u64, 0));
        self.ahead = xor(xor(tag, self.mask), length);
        Ok(())
    }

    pub fn tag(mut self) -> [u8; TAG_BYTES] {
        if self.rest_bytes > 0 {
            self.rest[self.rest_bytes..].fill(0);
            self.block(self.rest);
        }
        xor(xor(self.ahead, self.times(lengths(0, self.length))), self.mask)
    }
}

/// The last block of GHASH: bits of associated data and of ciphertext.
fn lengths(associated: u64, ciphertext: u64) -> Block {
    let mut block = [0; BLOCK_BYTES];
    block[..8].copy_from_slice(&(associated * 8).to_be_bytes());
    block[8..].copy_from_slice(&(ciphertext * 8).to_be_bytes());
    block
}

fn xor(one: Block, other: Block) -> Block {
    std::array::from_fn(|at| one[at] ^ other[at])
}

#[cfg(test)]
mod tests {
    use super::super::{Decryptor, Encryptor};
    use super::*;

    /// The provider's own GCM, which does not stream, agrees in whichever pieces it comes.
    #[test]
    fn gcm_is_gcm() {
        let plain: Vec<u8> = (0..70_000u32).map(|n| (n.wrapping_mul(n) / 7).to_le_bytes()[0]).collect();
        let nonce = [5; NONCE_BYTES];
        for cipher in [Cipher::Aes128Gcm, Cipher::Aes192Gcm, Cipher::Aes256Gcm] {
            let key: Vec<u8> = plain[100..100 + cipher.key_bytes()].to_vec();
            let whole = cipher.gcm_key(&key).expect("a key");
            for length in [0, 1, 16, 17, RUN_BYTES - 1, RUN_BYTES, RUN_BYTES + 1, 1000, plain.len()] {
                let (mut sealed, once) = (plain[..length].to_vec(), Nonce::assume_unique_for_key(nonce));
                let tag = whole.seal_in_place_separate_tag(once, Aad::empty(), &mut sealed).expect("sealed");
                for piece in [7, 16, RUN_BYTES, RUN_BYTES + 5, 100, 1024, plain.len()] {
                    let told = format!("{} {length} by {piece}", cipher.name());
                    let mut encryptor = Encryptor::new(cipher, &key, &nonce).expect("made");
                    let mut encrypted = Vec::new();
                    for piece in plain[..length].chunks(piece) {
                        encryptor.update(piece, &mut encrypted).expect("encrypted");
                    }
                    let found = encryptor.finish(&mut encrypted).expect("finished").expect("a tag");
                    assert_eq!((&encrypted, &found[..]), (&sealed, tag.as_ref()), "{told}");
                    let mut decryptor = Decryptor::new(cipher, &key, &nonce).expect("made");
                    let mut decrypted = Vec::new();
                    for piece in encrypted.chunks_mut(piece) {
                        decryptor.update(piece, &mut decrypted).expect("decrypted");
                    }
                    assert_eq!(encrypted, sealed, "{told}: it is as it was");
                    decryptor.finish(tag.as_ref(), &mut decrypted).expect(&told);
                    assert_eq!(decrypted, plain[..length], "{told}");
                }
            }
        }
    }

    #[test]
    fn err_more_than_one_nonce_is_for() {
        let (_, mut authenticator) = begin(Cipher::Aes128Gcm, &[1; 16], &[2; NONCE_BYTES]).expect("begun");
        authenticator.length = BYTES_MAX - 16;
        assert_eq!(authenticator.update(&mut [0; 16]), Ok(()));
        assert_eq!(authenticator.update(&mut [0]), Err(Failed));
    }
}
