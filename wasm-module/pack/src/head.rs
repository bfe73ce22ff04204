//! The head, the table and the seal of a file.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::error::{Mismatch, PackError};

pub(crate) const MAGIC: [u8; 8] = *b"LOCKPACK";
/// The version of the format.
const FORMAT: u32 = 1;
/// The version of the vectors: (40) of `SPEC.md`.
const VECTORS: u32 = 1;
/// Bytes of the head.
const HEAD: usize = 128;
/// Bytes of a line of the table, and of the seal.
pub(crate) const LINE: usize = 64;
const MOST_SECTIONS: usize = 32;
const MOST_WIDTH: usize = 1 << 14;

/// A kind of section. The number is that of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ends = 1,
    Ids = 2,
    Texts = 3,
    Vectors = 4,
    RemovedEnds = 5,
    Removed = 6,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ends, Self::Ids, Self::Texts, Self::Vectors, Self::RemovedEnds, Self::Removed];

    /// The kinds of a pack.
    pub(crate) fn of(delta: bool) -> &'static [Self] {
        if delta { &Self::ALL } else { &Self::ALL[..4] }
    }
}

/// Where vectors come from: vectors of one origin may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The model's digest.
    pub model: [u8; 32],
    /// The name of the space: see `FORMAT.md`.
    pub space: [u8; 32],
    /// The length of a vector, from 1 to 16,384.
    pub width: usize,
}

/// The head of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Where the vectors come from.
    pub origin: Origin,
    /// The number of items.
    pub items: usize,
    /// The number of removed ids; 0 in a full pack.
    pub removed: usize,
    /// The store whose changes the sequence counts; zeros for none.
    pub series: [u8; 16],
    /// The number of the last change that is in the pack.
    pub sequence: u64,
    /// 0 in a full pack; in a delta the sequence from which it goes on.
    pub base: u64,
}

/// A section: its kind, its place and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: u32,
    pub(crate) place: Range<usize>,
    pub(crate) digest: [u8; 32],
}

impl Head {
    /// Whether the pack is a delta.
    #[must_use]
    pub fn is_delta(&self) -> bool {
        self.base != 0
    }

    /// Refuses a pack of another origin than `here`.
    ///
    /// # Errors
    /// [`PackError::OtherModel`] or [`PackError::OtherSpace`].
    pub fn check(&self, here: &Origin) -> Result<(), PackError> {
        let mismatch = |pack: String, here: String| Mismatch { pack, here };
        if self.origin.model != here.model {
            let digests = mismatch(hex(&self.origin.model), hex(&here.model));
            return Err(PackError::OtherModel(digests));
        }
        if self.origin != *here {
            let name = |origin: &Origin| format!("{} of {} numbers", hex(&origin.space), origin.width);
            return Err(PackError::OtherSpace(mismatch(name(&self.origin), name(here))));
        }
        Ok(())
    }

    /// The sequence and the series, for messages.
    pub(crate) fn place(&self, sequence: u64) -> String {
        format!("sequence {sequence} of series {}", hex(&self.series))
    }

    /// The length of head, table and seal with so many sections: where the first section begins.
    pub(crate) fn bytes(sections: usize) -> usize {
        HEAD + (sections + 1) * LINE
    }

    /// Head, table and seal, and the digest in the seal.
    pub(crate) fn write(&self, sections: &[Section]) -> (Vec<u8>, [u8; 32]) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([FORMAT.to_le_bytes(), VECTORS.to_le_bytes()].concat());
        bytes.extend([self.origin.model, self.origin.space].concat());
        let numbers = [self.origin.width, self.items, self.removed, sections.len()];
        bytes.extend(numbers.into_iter().flat_map(|number| (number as u32).to_le_bytes()));
        bytes.extend(self.series);
        bytes.extend([self.sequence.to_le_bytes(), self.base.to_le_bytes()].concat());
        for Section { kind, place, digest } in sections {
            let numbers = [u64::from(*kind), place.start as u64, place.len() as u64, 0];
            bytes.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
            bytes.extend(digest);
        }
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        bytes.extend(digest);
        bytes.extend([0; LINE - 32]);
        (bytes, digest)
    }

    /// Reads head, table and seal of a file, and gives the digest in the seal. The sections lie
    /// inside the file, in its order, with zeros between them.
    pub(crate) fn read(file: &[u8]) -> Result<(Self, Vec<Section>, [u8; 32]), PackError> {
        let mut bytes = Cursor(file);
        if bytes.take() != Some(MAGIC) {
            return Err(PackError::Foreign("it does not begin with LOCKPACK".into()));
        }
        let cut = || PackError::damaged("it ends in its head");
        let (format, vectors) = (bytes.short().ok_or_else(cut)?, bytes.short().ok_or_else(cut)?);
        if (format, vectors) != (FORMAT, VECTORS) {
            let found = format!("format {format} with vectors {vectors}");
            let why = format!("{found}, this program reads format {FORMAT} with vectors {VECTORS}");
            return Err(PackError::Foreign(why));
        }
        let (head, count) = Self::numbers(&mut bytes).ok_or_else(cut)?;
        head.check_numbers(count).map_err(PackError::Damaged)?;
        let mut sections = Vec::with_capacity(count);
        let mut end = Self::bytes(count);
        for _ in 0..count {
            let section = Section::read(&mut bytes).ok_or_else(cut)??;
            section.check(file, end, sections.last().map_or(0, |before: &Section| before.kind))?;
            end = section.place.end;
            sections.push(section);
        }
        if end != file.len() {
            let why = format!("{} bytes, and its sections end at {end}", file.len());
            return Err(PackError::Damaged(why));
        }
        let sealed = file.len() - bytes.0.len();
        let seal: [u8; LINE] = bytes.take().ok_or_else(cut)?;
        let digest: [u8; 32] = Sha256::digest(&file[..sealed]).into();
        if seal[..32] != digest || seal[32..] != [0; LINE - 32] {
            return Err(PackError::damaged("its head does not fit its seal"));
        }
        Ok((head, sections, digest))
    }

    fn numbers(bytes: &mut Cursor<'_>) -> Option<(Self, usize)> {
        let (model, space) = (bytes.take()?, bytes.take()?);
        let width = bytes.short()? as usize;
        let (items, removed, count) = (bytes.short()? as usize, bytes.short()? as usize, bytes.short()?);
        let (series, sequence, base) = (bytes.take()?, bytes.long()?, bytes.long()?);
        let origin = Origin { model, space, width };
        Some((Self { origin, items, removed, series, sequence, base }, count as usize))
    }

    /// Refuses numbers that no pack can have.
    pub(crate) fn check_numbers(&self, sections: usize) -> Result<(), String> {
        let why = if !(1..=MOST_WIDTH).contains(&self.origin.width) {
            format!("vectors of {} numbers, from 1 to {MOST_WIDTH} are allowed", self.origin.width)
        } else if !(Kind::of(self.is_delta()).len()..=MOST_SECTIONS).contains(&sections) {
            format!("{sections} sections")
        } else if !self.is_delta() && self.removed > 0 {
            format!("{} removed ids in a full pack", self.removed)
        } else if self.is_delta() && self.sequence < self.base {
            format!("its sequence {} is before its base {}", self.sequence, self.base)
        } else if self.is_delta() && self.series == [0; 16] {
            "a delta without a series".to_owned()
        } else {
            return Ok(());
        };
        Err(why)
    }
}

impl Section {
    /// The line of the table that comes next; `None` at the end of the file.
    fn read(bytes: &mut Cursor<'_>) -> Option<Result<Self, PackError>> {
        let (kind, zeros) = (bytes.short()?, bytes.short()?);
        let (start, length, more, digest) = (bytes.long()?, bytes.long()?, bytes.long()?, bytes.take()?);
        let end = start.checked_add(length).and_then(|end| usize::try_from(end).ok());
        Some(match (usize::try_from(start), end, zeros == 0 && more == 0) {
            (Ok(start), Some(end), true) => Ok(Self { kind, place: start..end, digest }),
            _ => Err(PackError::Damaged(format!("its table has a wrong line for section {kind}"))),
        })
    }

    /// Checks that the section follows one of the kind `before`, which ends at `end`.
    fn check(&self, file: &[u8], end: usize, before: u32) -> Result<(), PackError> {
        let Self { kind, place, .. } = self;
        let why = if *kind <= before {
            format!("section {kind} follows section {before}")
        } else if place.start != end.next_multiple_of(LINE) {
            format!("section {kind} begins at {}, expected {}", place.start, end.next_multiple_of(LINE))
        } else if place.end > file.len() {
            format!("section {kind} ends at {}, the file at {}", place.end, file.len())
        } else if file[end..place.start].iter().any(|&byte| byte != 0) {
            format!("bytes before section {kind} are not 0")
        } else {
            return Ok(());
        };
        Err(PackError::Damaged(why))
    }
}

/// The bytes that are not read yet.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn short(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The 32 bytes of 64 lower-case hexadecimal digits.
#[must_use]
pub fn of_hex(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(*high)? * 16 + digit(*low)?) as u8;
    }
    Some(bytes)
}
