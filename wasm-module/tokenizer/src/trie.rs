//! A byte trie over a fixed set of strings. It finds the entries that a text begins with, in time
//! proportional to the length of the longest one.

use std::iter::once;
use std::ops::Range;

/// Nodes are numbered breadth first, so the children of node `n` are the nodes
/// `first_child[n]..first_child[n + 1]`, sorted by label. Node 0 is the root.
pub(crate) struct Trie {
    /// The byte on the edge into each node. The root's is unused.
    label: Vec<u8>,
    /// Has one element more than there are nodes.
    first_child: Vec<u32>,
    /// The value of the string that ends at each node, or `NONE`.
    value: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// A node of a [`Trie`]: a beginning that one or more of its strings share.
#[derive(Clone, Copy)]
pub(crate) struct Node(u32);

impl Trie {
    /// The node of the empty string.
    pub(crate) const ROOT: Node = Node(0);

    /// Builds the trie of `entries`, pairs of a string and its value. Of equal strings the first
    /// one counts.
    ///
    /// The total length of the strings and each value must be below `u32::MAX`.
    pub(crate) fn new<'a>(entries: impl IntoIterator<Item = (&'a str, u32)>) -> Trie {
        let mut entries: Vec<(&[u8], u32)> =
            entries.into_iter().map(|(text, value)| (text.as_bytes(), value)).collect();
        // Stable. The first bytes as one number decide most comparisons without a look at the text.
        entries.sort_by_cached_key(|&(text, _)| (beginning(text), text));
        entries.dedup_by_key(|&mut (text, _)| text); // keeps the first

        let mut trie = Trie { label: vec![0], first_child: Vec::new(), value: Vec::new() };
        // For each node of one depth, in order: the entries that pass through it.
        let mut level: Vec<Range<usize>> = once(0..entries.len()).collect();
        let mut depth = 0;
        while !level.is_empty() {
            let mut below = Vec::new();
            for mut range in level {
                trie.first_child.push(trie.label.len() as u32);
                let here = entries[range.clone()].first().filter(|(text, _)| text.len() == depth);
                trie.value.push(here.map_or(NONE, |&(_, value)| value));
                range.start += usize::from(here.is_some());
                while !range.is_empty() {
                    let label = entries[range.start].0[depth];
                    let same = count_first(&entries[range.clone()], |(text, _)| text[depth] == label);
                    trie.label.push(label);
                    below.push(range.start..range.start + same);
                    range.start += same;
                }
            }
            level = below;
            depth += 1;
        }
        trie.first_child.push(trie.label.len() as u32);
        trie
    }

    /// Whether the trie contains no string, or only the empty one.
    pub(crate) fn is_empty(&self) -> bool {
        self.label.len() == 1
    }

    /// The node that `text` leads to from the root, if any entry begins with `text`.
    pub(crate) fn descend(&self, text: &str) -> Option<Node> {
        text.bytes().try_fold(Self::ROOT, |node, byte| self.child(node, byte))
    }

    /// The value of exactly this string, if it is an entry.
    pub(crate) fn value(&self, text: &str) -> Option<u32> {
        let value = self.value[self.descend(text)?.0 as usize];
        (value != NONE).then_some(value)
    }

    /// Length and value of the longest non-empty string below `from` that `text` begins with.
    pub(crate) fn longest(&self, from: Node, text: &[u8]) -> Option<(usize, u32)> {
        let mut best = None;
        self.for_each(from, text, |length, value| best = Some((length, value)));
        best
    }

    /// Calls `entry` with length and value of each non-empty string below `from` that `text` begins
    /// with, from the shortest to the longest.
    pub(crate) fn for_each(&self, from: Node, text: &[u8], mut entry: impl FnMut(usize, u32)) {
        let mut node = from;
        for (at, &byte) in text.iter().enumerate() {
            let Some(next) = self.child(node, byte) else {
                break;
            };
            node = next;
            let value = self.value[node.0 as usize];
            if value != NONE {
                entry(at + 1, value);
            }
        }
    }

    fn child(&self, node: Node, byte: u8) -> Option<Node> {
        let node = node.0 as usize;
        let first = self.first_child[node];
        let labels = &self.label[first as usize..self.first_child[node + 1] as usize];
        let at = labels.binary_search(&byte).ok()?;
        Some(Node(first + at as u32))
    }
}

/// The first 8 bytes of a string, zeros behind its end, as a number that sorts as they do.
fn beginning(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

/// The number of elements before the first one that does not belong; none behind it does. Quick
/// where they are few.
fn count_first<T>(list: &[T], belongs: impl Fn(&T) -> bool) -> usize {
    let mut bound = 1;
    while bound < list.len() && belongs(&list[bound]) {
        bound *= 2;
    }
    let known = bound / 2;
    known + list[known..list.len().min(bound)].partition_point(belongs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_entry_wins() {
        let trie = Trie::new([("un", 1), ("under", 2), ("", 9), ("é", 3), ("un", 7)]);
        assert_eq!(trie.longest(Trie::ROOT, b"understand"), Some((5, 2)));
        assert_eq!(trie.longest(Trie::ROOT, b"unde"), Some((2, 1)));
        assert_eq!(trie.longest(Trie::ROOT, "éé".as_bytes()), Some((2, 3)));
        assert_eq!(trie.longest(Trie::ROOT, b"u"), None);
        assert_eq!(trie.longest(Trie::ROOT, b""), None);
    }

    #[test]
    fn every_entry_that_a_text_begins_with() {
        let trie = Trie::new([("a", 1), ("abc", 2), ("abcd", 3), ("b", 4), ("", 5)]);
        let mut found = Vec::new();
        trie.for_each(Trie::ROOT, b"abcx", |length, value| found.push((length, value)));
        assert_eq!(found, [(1, 1), (3, 2)]);
        assert_eq!(["abc", "ab", "", "x"].map(|text| trie.value(text)), [Some(2), None, Some(5), None]);
    }

    #[test]
    fn continuation_starts_below_a_node() {
        let trie = Trie::new([("##", 0), ("##a", 1), ("a", 2)]);
        let node = trie.descend("##");
        assert_eq!(node.and_then(|node| trie.longest(node, b"ab")), Some((1, 1)));
        assert_eq!(node.and_then(|node| trie.longest(node, b"b")), None);
        assert!(trie.descend("b").is_none());
    }

    #[test]
    fn empty() {
        let trie = Trie::new([]);
        assert!(trie.is_empty());
        assert_eq!(trie.longest(Trie::ROOT, b"a"), None);
    }
}
