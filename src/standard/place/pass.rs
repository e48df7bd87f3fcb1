//! Where segments stand that were left out of a document because segments like them are in it. Where those of one item go
//! follows from where the segment before them stands, so it is found once for all that follow the same.

use super::{Candidate, Frame, Walk};
use crate::standard::order::Spot;
use std::ops::Range;

/// Segments of a document that were left out, for segments like them stand in it: those left out come behind so many segments
/// of it, so many times, and have the tags of those segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// How many segments stand before them, left out ones not counted.
    pub behind: usize,
    /// Which segments of these they are like.
    pub like: Range<usize>,
    /// How many times.
    pub times: u32,
}

impl LeftOut {
    /// How many segments that is.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.like.len() * self.times as usize
    }
}

/// Where the segments of an item that is a loop went.
pub(super) struct Passed<'d> {
    /// Which segments they were like, by the first, and the number of the node at which the one before them stood.
    key: (usize, usize),
    /// Where its first segment went.
    top: Candidate,
    /// The loops that were open behind them, from its own on.
    inner: Vec<Frame<'d>>,
}

impl<'d> Walk<'d> {
    /// Goes where segments stand that were left out. Whether each has a place that leaves nothing behind: what else may be
    /// wrong is not said.
    pub(in crate::standard) fn pass(&mut self, left_out: &LeftOut) -> bool {
        let mut left = left_out.times;
        while left > 0 {
            let key = (left_out.like.start, self.number());
            let Some(at) = self.passed.iter().position(|one| one.key == key) else {
                if !self.go_through(&left_out.like) {
                    return false;
                }
                left -= 1;
                continue;
            };
            let Passed { top, inner, .. } = &self.passed[at];
            self.frames.truncate(top.depth);
            let Some(frame) = self.frames.last_mut() else { return false };
            // A loop that came too late stands behind what has been read around it.
            if top.node < frame.at {
                return false;
            }
            // The first goes on as the one before it or begins anew; the others, behind one like them, only count on.
            let is_again = frame.at == top.node && frame.count > 0;
            (frame.at, frame.count) = (top.node, if is_again { frame.count + 1 } else { 1 });
            let max = frame.nodes[top.node].max.unwrap_or(u32::MAX);
            self.frames.extend_from_slice(inner);
            left -= 1;
            if self.number() == key.1
                && let Some(frame) = self.frames.get_mut(top.depth - 1)
            {
                (frame.count, left) = (frame.count + left, 0);
            }
            if self.frames[top.depth - 1].count > max {
                return false;
            }
        }
        true
    }

    /// The number of the node at which the last segment stands.
    fn number(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.first + frame.at)
    }

    /// The same segment by segment.
    fn go_through(&mut self, like: &Range<usize>) -> bool {
        let (before, mut top) = (self.number(), None);
        for ordinal in like.clone() {
            let Some(mark) = self.run.index.segments.get(ordinal) else { return false };
            let Some((known, spot)) = self.known(self.run.tag_at(mark)) else { return false };
            debug_assert_eq!(self.best(&String::from_utf8_lossy(self.run.tag_at(mark))), Some(known));
            top = match top {
                None if ordinal == like.start && spot.is_loop => Some(known),
                // Who leaves the loop again is not looked at once for all.
                top => top.filter(|top: &Candidate| top.depth < known.depth),
            };
            self.go(known, spot, ordinal);
        }
        if let Some(top) = top {
            let inner = self.frames[top.depth..].to_vec();
            self.passed.push(Passed { key: (like.start, before), top, inner });
        }
        true
    }

    /// Goes to a place that leaves nothing behind with a segment that was left out; `ordinal` is that of one like it.
    fn go(&mut self, known: Candidate, spot: &Spot, ordinal: usize) {
        self.frames.truncate(known.depth);
        let Some(frame) = self.frames.last_mut() else { return };
        frame.count = if known.node == frame.at { frame.count + 1 } else { 1 };
        frame.at = known.node;
        if spot.is_loop {
            let nodes = frame.nodes[known.node].body.as_ref().map_or(&[][..], |body| &body.nodes);
            // A loop that was left out is told as the one like it.
            let instance = self.placement.homes[ordinal].map_or(0, |(_, home)| home);
            self.frames.push(Frame { nodes, first: spot.inside as usize, at: 0, count: 1, instance });
        }
    }
}
