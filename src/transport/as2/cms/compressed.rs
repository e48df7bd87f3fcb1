//! CompressedData (RFC 3274): written with a known length from what was compressed before, read as a stream with an eye on
//! how much comes out of how little.

use super::super::asn1::{self, Ber, dotted, tag};
use super::{COMPRESSED_DATA, DATA, algorithm, algorithm_identifier, unfit};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::io::{self, Read, Write};

/// id-alg-zlibCompress.
const ZLIB: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x03, 0x08];
/// How hard it is tried: twice as quick as the usual 6 for a twentieth more bytes of EDI.
const LEVEL: u32 = 2;
/// How many times as many bytes may come out as went in. DEFLATE can do no more than 1,032.
const RATIO_MAX: u64 = 1032;
/// Bytes that may come out whatever the ratio.
const FREE_BYTES: u64 = 1 << 20;

/// Compresses a stream.
///
/// # Errors
/// Reading or writing failed.
pub fn deflate(content: &mut dyn Read, out: &mut dyn Write) -> io::Result<u64> {
    let mut encoder = ZlibEncoder::new(out, Compression::new(LEVEL));
    io::copy(content, &mut encoder)?;
    encoder.try_finish()?;
    Ok(encoder.total_out())
}

/// What stands before so many compressed bytes; they end the message.
#[must_use]
pub fn compressed_head(length: u64) -> Vec<u8> {
    let content = asn1::head(tag::OCTET_STRING, length);
    let explicit = [asn1::head(tag::context(0), content.len() as u64 + length), content].concat();
    let kind = asn1::element(tag::OID, DATA);
    let inner = [asn1::head(tag::SEQUENCE, (kind.len() + explicit.len()) as u64 + length), kind, explicit].concat();
    let begin = [asn1::number(0), algorithm_identifier(ZLIB, &[])].concat();
    let data = [asn1::head(tag::SEQUENCE, (begin.len() + inner.len()) as u64 + length), begin, inner].concat();
    let explicit = [asn1::head(tag::context(0), data.len() as u64 + length), data].concat();
    let kind = asn1::element(tag::OID, COMPRESSED_DATA);
    [asn1::head(tag::SEQUENCE, (kind.len() + explicit.len()) as u64 + length), kind, explicit].concat()
}

/// The octets of a string, as a stream.
struct Packed<R> {
    ber: Ber<R>,
    taken: u64,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.ber.octets(buffer)?;
        self.taken += count as u64;
        Ok(count)
    }
}

/// What was compressed.
pub struct Inflated<R> {
    decoder: ZlibDecoder<Packed<R>>,
    given: u64,
}

impl<R: Read> Inflated<R> {
    /// Of a message that was begun.
    ///
    /// # Errors
    /// It is no CompressedData of zlib.
    pub fn new(mut ber: Ber<R>) -> io::Result<Self> {
        ber.enter(tag::SEQUENCE)?;
        ber.number()?;
        let (oid, _) = algorithm(&mut ber)?;
        if oid != ZLIB {
            return Err(unfit(format_args!("expected compression by zlib, found {}", dotted(&oid))));
        }
        ber.enter(tag::SEQUENCE)?;
        ber.value(tag::OID)?;
        ber.enter(tag::context(0))?;
        ber.begin_octets(tag::OCTET_STRING)?;
        Ok(Inflated { decoder: ZlibDecoder::new(Packed { ber, taken: 0 }), given: 0 })
    }

    /// What stands behind the message, once it was read to its end; none where something stands in it that was not compressed.
    ///
    /// # Errors
    /// It is cut off.
    pub fn behind(self) -> io::Result<Option<impl Read>> {
        let inflated = self.decoder.total_in();
        let mut packed = self.decoder.into_inner();
        if inflated < packed.taken || packed.read(&mut [0])? > 0 {
            return Ok(None);
        }
        super::behind(packed.ber)
    }
}

impl<R: Read> Read for Inflated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        self.given += count as u64;
        let taken = self.decoder.get_ref().taken;
        if self.given > FREE_BYTES && self.given / RATIO_MAX > taken {
            return Err(unfit(format_args!("more than {RATIO_MAX} times as many bytes as were compressed")));
        }
        Ok(count)
    }
}
