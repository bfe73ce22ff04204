//! The mapping under loom, which plays every order of the threads' loads and stores: atomic words
//! of this process. Accesses are whole words.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU32;
pub use loom::sync::atomic::fence;

#[derive(Debug)]
pub(crate) struct Mapping {
    words: Vec<AtomicU32>,
    writable: bool,
}

impl Mapping {
    pub(crate) fn new(_: BorrowedFd<'_>, len: usize, writable: bool) -> io::Result<Self> {
        assert!(len.is_multiple_of(4), "loom's memory has whole words");
        Ok(Self { words: (0..len / 4).map(|_| AtomicU32::new(0)).collect(), writable })
    }

    pub(crate) fn len(&self) -> usize {
        4 * self.words.len()
    }

    pub(crate) fn address(&self) -> usize {
        panic!("loom's memory has no address")
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    pub(crate) fn read(&self, at: usize, to: &mut [u8]) {
        let (words, rest) = to.as_chunks_mut::<4>();
        assert!(rest.is_empty(), "loom's memory has whole words");
        for (i, word) in words.iter_mut().enumerate() {
            *word = self.word(at + 4 * i).load(Ordering::Relaxed).to_ne_bytes();
        }
    }

    pub(crate) fn write(&self, at: usize, from: &[u8]) {
        let (words, rest) = from.as_chunks::<4>();
        assert!(rest.is_empty(), "loom's memory has whole words");
        for (i, word) in words.iter().enumerate() {
            self.word(at + 4 * i).store(u32::from_ne_bytes(*word), Ordering::Relaxed);
        }
    }

    pub(crate) fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(4), "no aligned word at {at:#x}");
        &self.words[at / 4]
    }
}
