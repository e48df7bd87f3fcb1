//! What stands in a loop that is being written. Most loops hold a few segments and loops, and those are kept in place.

use super::Item;
use std::ops::Deref;

/// So many are kept in place.
const FEW: usize = 6;

/// What was put at the nodes of a loop, each with its node, in the order of the nodes, those of one node as they were made.
pub(in crate::mapping) struct Items {
    few: [(usize, Item); FEW],
    /// All of them, where they are more.
    many: Vec<(usize, Item)>,
    count: usize,
}

impl Items {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Items { few: [(0, Item::Segment(0)); FEW], many: Vec::new(), count: 0 }
    }

    /// Puts one at the end.
    pub(super) fn push(&mut self, item: (usize, Item)) {
        self.insert(self.count, item);
    }

    /// Puts one before the one that stands at a place.
    pub(super) fn insert(&mut self, at: usize, item: (usize, Item)) {
        if self.count < FEW {
            self.few.copy_within(at..self.count, at + 1);
            self.few[at] = item;
        } else {
            if self.count == FEW {
                self.many = self.few.to_vec();
            }
            self.many.insert(at, item);
        }
        self.count += 1;
    }

    /// Takes away all but the first ones.
    pub(super) fn truncate(&mut self, count: usize) {
        if self.count > FEW && count <= FEW {
            self.few[..count].copy_from_slice(&self.many[..count]);
        }
        self.many.truncate(count);
        self.count = self.count.min(count);
    }
}

impl Deref for Items {
    type Target = [(usize, Item)];

    fn deref(&self) -> &Self::Target {
        if self.count <= FEW { &self.few[..self.count] } else { &self.many }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many there are, they stand as in a list.
    #[test]
    fn ok_items_stand_as_in_a_list() {
        let (mut items, mut list) = (Items::new(), Vec::new());
        for (number, at) in [0, 0, 1, 3, 2, 0, 6, 3, 8, 4].into_iter().enumerate() {
            let item = (number, if number % 2 == 0 { Item::Segment(number) } else { Item::Loop(number) });
            items.insert(at, item);
            list.insert(at, item);
            assert_eq!(format!("{:?}", &*items), format!("{list:?}"));
        }
        for count in [9, 7, 6, 6, 2, 0] {
            items.truncate(count);
            list.truncate(count);
            assert_eq!(format!("{:?}", &*items), format!("{list:?}"));
            items.push((count, Item::Loop(count)));
            list.push((count, Item::Loop(count)));
            assert_eq!(format!("{:?}", &*items), format!("{list:?}"));
        }
    }
}
