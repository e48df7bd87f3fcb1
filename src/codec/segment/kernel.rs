//! The vector half of the index kernel: what 64 bytes at once say about separators, for processors with AVX2.
//!
//! Each byte of a block becomes one bit of a mask: ends, other marks, release characters, line feeds, bytes that are not
//! plain. Release characters are resolved by the carry of one addition, and only set bits are walked. It finds exactly
//! what [`super::index`]'s scalar twin finds; a test there compares the two on every length and border. The only unsafe
//! code of the codecs stands in this file.

#![allow(unsafe_code)]
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_variables))]

use super::index::{Kinds, Stop};
use crate::tree::Index;

/// Bytes looked at together: one bit each in a `u64`.
const BLOCK_BYTES: usize = 64;

/// Marks written at once, needed or not; the list always has room for as many more.
const MARKS_AT_ONCE: usize = 6;

/// Whether this processor has what [`segments`] needs.
#[must_use]
pub fn is_supported() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// As `index::segments_bytewise`, on a processor that can.
#[inline]
pub fn segments(
    bytes: &[u8],
    from: (usize, u32),
    kinds: &Kinds,
    index: &mut Index,
    stop: &Stop<'_>,
) -> Option<(usize, u32)> {
    assert!(kinds.is_vector(), "this processor has another kernel");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: `Kinds::is_vector` is only set where `is_supported` said that the processor has all features of `run`.
    return unsafe { avx2::run(bytes, from, kinds, index, stop) };
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("no processor of another kind is supported")
}

/// Which of the bytes after release characters are released. `carry` says whether the block's first byte is, and is left
/// saying it of the next block's.
///
/// In a run of release characters every second one is itself released, so what counts is whether a run begins at an odd
/// or an even place. Adding the odd beginnings to the runs ripples a carry through each, out at its end: bits that
/// changed tell where a run that began odd stopped.
#[inline(always)]
fn released(release: u64, carry: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = u64::from(*carry);
    if release == 0 {
        *carry = false;
        return first;
    }
    let release = release & !first;
    let follows = release << 1 | first;
    let odd_begins = release & !EVEN & !follows;
    let (rippled, over) = odd_begins.overflowing_add(release);
    *carry = over;
    (EVEN ^ (rippled << 1)) & follows
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::super::index::{Stop, breaks, skip_lead};
    use super::{BLOCK_BYTES, Kinds, MARKS_AT_ONCE, released};
    use crate::tree::{Index, SegmentMark, Separators};
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_set1_epi8,
    };

    /// Half of a block.
    const HALF_BYTES: usize = BLOCK_BYTES / 2;

    /// What is looked for, each in all bytes of a vector.
    struct Wanted {
        end: __m256i,
        element: __m256i,
        parts: [__m256i; 2],
        release: __m256i,
        has_release: bool,
        feed: __m256i,
        control: __m256i,
        delete: __m256i,
    }

    /// What was found in a block: a bit for each byte.
    struct Block {
        /// Bytes that there are.
        inside: u64,
        /// Terminators and marks that nothing releases.
        ends: u64,
        marks: u64,
        /// Those of the marks that are no element separators.
        parts: u64,
        /// Line feeds that are neither.
        feeds: u64,
        /// Neither terminators nor printable ASCII, or release characters.
        odd: u64,
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
    pub fn run(
        bytes: &[u8],
        (from, mut line): (usize, u32),
        kinds: &Kinds,
        index: &mut Index,
        stop: &Stop<'_>,
    ) -> Option<(usize, u32)> {
        let separators = kinds.separators();
        let wanted = wanted(separators);
        let ends_line = u32::from(separators.segment == b'\n');
        let mut start = skip_lead(bytes, from, separators);
        if start >= bytes.len() {
            return None;
        }
        line += breaks(&bytes[from..start]);
        let (mut at, mut carry, mut feeds, mut first) = (start, false, 0, index.marks.len());
        // What was seen of each in the segment at hand, by the bits of the blocks it stands in.
        let (mut odd, mut parts) = (0, 0);
        while at < bytes.len() {
            let block = look(bytes, at, &wanted, &mut carry);
            let known = index.marks.len();
            push(&mut index.marks, block.marks, at);
            // The bytes of the segment at hand, and of those behind it.
            let mut rest = block.inside;
            loop {
                let ends = block.ends & rest;
                // The lowest end and all bits below it, or all bits where there is none.
                let through = ends ^ ends.wrapping_sub(1);
                let own = rest & through;
                odd |= block.odd & own;
                parts |= block.parts & own;
                feeds += (block.feeds & own).count_ones();
                if ends == 0 {
                    at += BLOCK_BYTES;
                    break;
                }
                let end = at + ends.trailing_zeros() as usize;
                let last = known + (block.marks & through).count_ones() as usize;
                index.segments.push(mark((start, end), (first, last), line, (odd, parts)));
                line += feeds + ends_line;
                let next = match bytes.get(end + 1) {
                    Some(b'!'..) => end + 1,
                    _ => skip_lead(bytes, end + 1, separators),
                };
                if next >= bytes.len() || stop.is_after(bytes, (start, end), index.marks.get(first)) {
                    index.marks.truncate(last);
                    index.terminated = true;
                    return Some((end + 1, line));
                }
                if next > end + 1 {
                    line += breaks(&bytes[end + 1..next]);
                }
                (start, feeds, first) = (next, 0, last);
                (odd, parts) = (0, 0);
                if next >= at + BLOCK_BYTES {
                    (at, carry) = (next, false);
                    break;
                }
                rest = block.inside & (u64::MAX << (next - at));
            }
        }
        index.segments.push(mark((start, bytes.len()), (first, index.marks.len()), line, (odd, parts)));
        index.terminated = false;
        Some((bytes.len() + 1, line + feeds))
    }

    #[inline]
    fn mark(
        (start, end): (usize, usize),
        (first, last): (usize, usize),
        line: u32,
        (odd, parts): (u64, u64),
    ) -> SegmentMark {
        let (start, end, first, last) = (start as u32, end as u32, first as u32, last as u32);
        let (is_plain, is_flat) = (odd == 0, parts == 0);
        SegmentMark { start, end, first, last, line, is_plain, is_flat }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn wanted(separators: &Separators) -> Wanted {
        let repetition = separators.repetition.unwrap_or(separators.element);
        Wanted {
            end: all(separators.segment),
            element: all(separators.element),
            parts: [all(separators.component), all(repetition)],
            release: all(separators.release.unwrap_or(separators.segment)),
            has_release: separators.release.is_some(),
            feed: all(b'\n'),
            control: all(b' ' - 1),
            delete: all(0x7F),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn all(byte: u8) -> __m256i {
        _mm256_set1_epi8(i8::from_ne_bytes([byte]))
    }

    /// Looks at the block that begins at `at`; past the end of the bytes it sees zeros, which are not `inside`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn look(bytes: &[u8], at: usize, wanted: &Wanted, carry: &mut bool) -> Block {
        let rest = &bytes[at..];
        let mut tail = [0; BLOCK_BYTES];
        let (block, inside) = match rest.first_chunk() {
            Some(block) => (block, u64::MAX),
            None => {
                tail[..rest.len()].copy_from_slice(rest);
                (&tail, (1 << rest.len()) - 1)
            }
        };
        let block = load(block);
        let ends = equal(block, wanted.end) & inside;
        let elements = equal(block, wanted.element) & inside & !ends;
        let parts = equal_to_one(block, &wanted.parts) & inside & !ends & !elements;
        let marks = elements | parts;
        let releases = if wanted.has_release { equal(block, wanted.release) & inside & !ends & !marks } else { 0 };
        let free = !released(releases, carry);
        let (ends, marks, releases) = (ends & free, marks & free, releases & free);
        Block {
            inside,
            ends,
            marks,
            parts: parts & free,
            feeds: equal(block, wanted.feed) & !(ends | marks | releases),
            odd: (!between(block, wanted.control, wanted.delete) | releases) & !ends,
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(block: &[u8; BLOCK_BYTES]) -> [__m256i; 2] {
        let (low, high) = block.split_at(HALF_BYTES);
        // SAFETY: both halves are 32 bytes long, and the load asks for no alignment.
        unsafe { [_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast())] }
    }

    /// A bit for each byte whose highest bit is set, as comparisons leave it.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn bits(low: __m256i, high: __m256i) -> u64 {
        let (low, high) = (_mm256_movemask_epi8(low).cast_unsigned(), _mm256_movemask_epi8(high).cast_unsigned());
        u64::from(low) | u64::from(high) << HALF_BYTES
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal([low, high]: [__m256i; 2], wanted: __m256i) -> u64 {
        bits(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal_to_one([low, high]: [__m256i; 2], [one, two]: &[__m256i; 2]) -> u64 {
        let low = _mm256_or_si256(_mm256_cmpeq_epi8(low, *one), _mm256_cmpeq_epi8(low, *two));
        bits(low, _mm256_or_si256(_mm256_cmpeq_epi8(high, *one), _mm256_cmpeq_epi8(high, *two)))
    }

    /// Above one and below the other, as signed numbers: bytes from 0x80 on are below all others.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn between([low, high]: [__m256i; 2], above: __m256i, below: __m256i) -> u64 {
        bits(is_between(low, above, below), is_between(high, above, below))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn is_between(half: __m256i, above: __m256i, below: __m256i) -> __m256i {
        _mm256_and_si256(_mm256_cmpgt_epi8(half, above), _mm256_cmpgt_epi8(below, half))
    }

    /// Appends the place of each set bit. It writes several at once, so that the usual block costs no branch per mark; what
    /// is too much is overwritten by the next.
    #[inline]
    #[target_feature(enable = "bmi1,bmi2,popcnt,lzcnt")]
    fn push(marks: &mut Vec<u32>, mut bits: u64, at: usize) {
        let count = bits.count_ones() as usize;
        marks.reserve(count + MARKS_AT_ONCE);
        let (length, at) = (marks.len(), at as u32);
        let room = marks.spare_capacity_mut().as_mut_ptr().cast::<u32>();
        let mut written = 0;
        while written < count {
            for place in written..written + MARKS_AT_ONCE {
                // SAFETY: there is room for `count` and MARKS_AT_ONCE more, and `written` is below `count`. Volatile, or
                // the compiler gathers them in a vector first, which takes longer than it saves.
                unsafe { room.add(place).write_volatile(at + bits.trailing_zeros()) };
                bits &= bits.wrapping_sub(1);
            }
            written += MARKS_AT_ONCE;
        }
        // SAFETY: the first `count` places behind the old length were written above.
        unsafe { marks.set_len(length + count) };
    }
}

#[cfg(test)]
mod tests {
    use super::released;

    /// What `released` says, byte by byte.
    fn slowly(release: u64, carry: bool) -> (u64, bool) {
        let (mut found, mut is_released) = (0, carry);
        for bit in 0..64 {
            if is_released {
                found |= 1 << bit;
                is_released = false;
            } else {
                is_released = release >> bit & 1 == 1;
            }
        }
        (found, is_released)
    }

    #[test]
    fn runs_of_release_characters_are_resolved_in_pairs() {
        let mut seed: u64 = 1;
        for round in 0..10_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Runs, singles, and blocks full of them.
            let release = match round % 4 {
                0 => seed & seed.rotate_left(1),
                1 => seed | seed.rotate_left(1) | seed.rotate_left(2),
                2 => seed & seed.rotate_left(17) & seed.rotate_left(41),
                _ => u64::MAX << (round % 64),
            };
            for first in [false, true] {
                let mut carry = first;
                assert_eq!((released(release, &mut carry), carry), slowly(release, first), "{release:#066b}, {first}");
            }
        }
    }
}
