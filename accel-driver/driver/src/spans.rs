//! Divides a memory among its users: first fit, with whole blocks of 64 bytes.

use std::collections::BTreeMap;

/// A part of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: u64,
    /// A multiple of [`Spans::BLOCK`].
    bytes: u64,
}

/// The free parts of a memory.
#[derive(Clone, Debug)]
pub(crate) struct Spans {
    /// First byte and number of bytes of each free part. Free parts never touch each other.
    free: BTreeMap<u64, u64>,
    size: u64,
}

impl Spans {
    /// Spans start at multiples of this: the alignment of programs, and the largest word of card
    /// memory.
    pub(crate) const BLOCK: u64 = 64;

    /// A memory that is free as a whole.
    pub(crate) fn new(bytes: u64) -> Self {
        let size = bytes - bytes % Self::BLOCK;
        Self { free: BTreeMap::from([(0, size)]), size }
    }

    /// The number of bytes that can be given out.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The first free part with `bytes` bytes, which are at least one.
    pub(crate) fn take(&mut self, bytes: u64) -> Option<Span> {
        let bytes = bytes.max(1).checked_next_multiple_of(Self::BLOCK)?;
        let (&at, &free) = self.free.iter().find(|(_, free)| **free >= bytes)?;
        self.free.remove(&at);
        if free > bytes {
            self.free.insert(at + bytes, free - bytes);
        }
        Some(Span { at, bytes })
    }

    /// Gives a part back.
    pub(crate) fn give(&mut self, span: Span) {
        let Span { mut at, mut bytes } = span;
        if let Some((&before, &free)) = self.free.range(..at).next_back()
            && before + free == at
        {
            self.free.remove(&before);
            (at, bytes) = (before, bytes + free);
        }
        if let Some(free) = self.free.remove(&(span.at + span.bytes)) {
            bytes += free;
        }
        self.free.insert(at, bytes);
    }
}

#[cfg(test)]
mod tests {
    use lockstep_arith::sample::Random;

    use super::{Span, Spans};

    /// Spans that are out never overlap, and a memory that got all back is whole again.
    #[test]
    fn spans_never_overlap() {
        let (mut random, mut spans) = (Random::new(1), Spans::new(4095));
        assert_eq!(spans.size(), 4032);
        let mut out: Vec<Span> = Vec::new();
        // Miri takes a minute for so many steps.
        for _ in 0..if cfg!(miri) { 500 } else { 20_000 } {
            if random.within(0, 2) > 0 {
                let bytes = random.within(1, 900) as u64;
                if let Some(span) = spans.take(bytes) {
                    assert!(span.bytes >= bytes && span.at.is_multiple_of(64));
                    assert!(span.at + span.bytes <= spans.size());
                    let apart = |o: &Span| span.at + span.bytes <= o.at || o.at + o.bytes <= span.at;
                    assert!(out.iter().all(apart), "{span:?} {out:?}");
                    out.push(span);
                }
            } else if !out.is_empty() {
                let i = random.within(0, out.len() as i32 - 1) as usize;
                spans.give(out.swap_remove(i));
            }
        }
        out.drain(..).for_each(|span| spans.give(span));
        assert!(spans.take(4033).is_none());
        assert_eq!(spans.take(4032).map(|span| span.at), Some(0));
    }
}
