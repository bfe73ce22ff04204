//! A pack, read in place.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::{
    error::PackError,
    head::{Head, Kind, Section},
    ids::{Ids, shown},
};

/// A pack that keeps every rule of the format.
#[derive(Debug, Clone)]
pub struct Pack<B> {
    bytes: B,
    head: Head,
    digest: [u8; 32],
    /// The place of each section at the index of its kind; empty for one that is not there.
    places: [Range<usize>; Kind::ALL.len()],
    /// The items in the order of the hashes of their texts.
    by_text: Vec<u32>,
}

/// The compact vector of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a>(&'a [[u8; 2]]);

impl Row<'_> {
    /// The numbers of the vector.
    pub fn numbers(self) -> impl Iterator<Item = i16> {
        self.0.iter().map(|number| i16::from_le_bytes(*number))
    }

    /// Whether this is the compact vector of some vector.
    fn is_compact(self) -> bool {
        let greatest = self.numbers().fold(0, |most: u16, number| most.max(number.unsigned_abs()));
        greatest == 0 || greatest == i16::MAX as u16
    }
}

impl<B: AsRef<[u8]>> Pack<B> {
    /// Reads a file, and compares its digests. Of the file, the pack copies nothing; it makes an
    /// index of 4 bytes an item.
    ///
    /// # Errors
    /// [`PackError::Foreign`] or [`PackError::Damaged`].
    pub fn open(bytes: B) -> Result<Self, PackError> {
        let (head, sections, digest) = Head::read(bytes.as_ref())?;
        let mut places: [Range<usize>; Kind::ALL.len()] = Default::default();
        for kind in Kind::ALL {
            let found = sections.iter().find(|section| section.kind == kind as u32);
            match (found, Kind::of(head.is_delta()).contains(&kind)) {
                (Some(section), true) => places[kind as usize - 1] = section.place.clone(),
                (None, false) => {}
                (None, true) => return Err(PackError::Damaged(format!("no section {}", kind as u32))),
                (Some(_), false) => {
                    return Err(PackError::Damaged(format!("section {} in a full pack", kind as u32)));
                }
            }
        }
        let mut pack = Self { bytes, head, digest, places, by_text: Vec::new() };
        pack.check(&sections)?;
        pack.by_text = (0..head.items as u32).collect();
        let mut by_text = std::mem::take(&mut pack.by_text);
        by_text.sort_unstable_by_key(|&item| pack.text_hash(item as usize));
        Ok(Self { by_text, ..pack })
    }

    fn check(&self, sections: &[Section]) -> Result<(), PackError> {
        let Head { items, removed, origin, .. } = self.head;
        let expected = [
            (Kind::Ends, items.checked_mul(4)),
            (Kind::Texts, items.checked_mul(32)),
            (Kind::Vectors, items.checked_mul(2 * origin.width)),
            (Kind::RemovedEnds, removed.checked_mul(4)),
        ];
        for (kind, expected) in expected {
            let found = self.section(kind).len();
            if Some(found) != expected {
                let why = format!("section {} has {found} bytes for {items} items", kind as u32);
                return Err(PackError::Damaged(why));
            }
        }
        for Section { kind, place, digest } in sections {
            if digest[..] != Sha256::digest(&self.bytes.as_ref()[place.clone()])[..] {
                return Err(PackError::Damaged(format!("section {kind} does not fit its digest")));
            }
        }
        self.ids().check("ids")?;
        self.removed().check("removed ids")?;
        if let Some(id) = self.ids().common(self.removed()) {
            let id = shown(str::from_utf8(id).unwrap_or_default());
            return Err(PackError::Damaged(format!("{id} is among the items and the removed ids")));
        }
        match (0..items).find(|&item| !self.vector(item).is_compact()) {
            Some(item) => {
                Err(PackError::Damaged(format!("the vector of {} is not compact", shown(self.id(item)))))
            }
            None => Ok(()),
        }
    }

    /// The head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The digest of the seal, which stands for the whole file.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The number of bytes of the file.
    pub fn bytes(&self) -> usize {
        self.bytes.as_ref().len()
    }

    fn section(&self, kind: Kind) -> &[u8] {
        &self.bytes.as_ref()[self.places[kind as usize - 1].clone()]
    }

    fn ids(&self) -> Ids<'_> {
        Ids { ends: self.section(Kind::Ends), text: self.section(Kind::Ids) }
    }

    fn removed(&self) -> Ids<'_> {
        Ids { ends: self.section(Kind::RemovedEnds), text: self.section(Kind::Removed) }
    }

    /// The id of an item; empty if there is no such item.
    pub fn id(&self, item: usize) -> &str {
        str::from_utf8(self.ids().get(item)).unwrap_or_default()
    }

    /// The SHA-256 of an item's text.
    ///
    /// # Panics
    /// There is no such item.
    pub fn text_hash(&self, item: usize) -> &[u8; 32] {
        &self.section(Kind::Texts).as_chunks().0[item]
    }

    /// The vector of an item.
    ///
    /// # Panics
    /// There is no such item.
    pub fn vector(&self, item: usize) -> Row<'_> {
        let width = self.head.origin.width;
        Row(&self.section(Kind::Vectors).as_chunks().0[item * width..(item + 1) * width])
    }

    /// The item with an id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.ids().find(id)
    }

    /// An item whose text has this SHA-256.
    pub fn find_text(&self, hash: &[u8; 32]) -> Option<usize> {
        let found = self.by_text.binary_search_by_key(&hash, |&item| self.text_hash(item as usize));
        found.ok().map(|at| self.by_text[at] as usize)
    }

    /// Whether a delta says that the item with this id was removed.
    pub fn is_removed(&self, id: &str) -> bool {
        self.removed().find(id).is_some()
    }
}
