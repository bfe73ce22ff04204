//! Writes packs in the memory of a few buffers.

use sha2::{Digest, Sha256};

use crate::{
    head::{Head, Kind, LINE, Section},
    ids::shown,
};

/// Bytes that each section gathers before it gives them out.
const GATHERED: usize = 64 << 10;

/// Where a file is written.
pub trait Out {
    /// Why it cannot be written.
    type Error;

    /// Puts bytes at an offset. In the end, each byte of the file has been put once.
    ///
    /// # Errors
    /// The file cannot be written.
    fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Self::Error>;
}

impl Out for Vec<u8> {
    type Error = std::convert::Infallible;

    fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Self::Error> {
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        self.resize(self.len().max(end), 0);
        self[start..end].copy_from_slice(bytes);
        Ok(())
    }
}

/// What a pack will have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The head.
    pub head: Head,
    /// Bytes of all ids.
    pub id_bytes: usize,
    /// Bytes of all removed ids.
    pub removed_bytes: usize,
}

/// A complete file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The digest of the seal.
    pub digest: [u8; 32],
    /// The number of bytes of the file.
    pub bytes: u64,
}

/// Why a pack cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The file cannot be written.
    #[error("{0}")]
    Out(E),
    /// A reader would refuse the pack.
    #[error("no vector pack can have this: {0}")]
    Wrong(String),
}

/// A section that is being written.
struct Open {
    kind: Kind,
    start: usize,
    length: usize,
    /// Bytes that are put.
    put: usize,
    gathered: Vec<u8>,
    hash: Sha256,
}

/// Writes one pack: all items in the order of their ids, all removed ids, then the end.
pub struct Writer<O> {
    out: O,
    head: Head,
    sections: Vec<Open>,
    /// The last id of the items, and of the removed ones.
    last: String,
    last_removed: String,
}

impl<O: Out> Writer<O> {
    /// Begins a pack.
    ///
    /// # Errors
    /// A plan that the format has no numbers for.
    pub fn new(out: O, plan: &Plan) -> Result<Self, WriteError<O::Error>> {
        let Plan { head, id_bytes, removed_bytes } = *plan;
        let kinds = Kind::of(head.is_delta());
        head.check_numbers(kinds.len()).map_err(WriteError::Wrong)?;
        let count = |number: usize| number > u32::MAX as usize;
        if [head.items, head.removed, id_bytes, removed_bytes].into_iter().any(count) {
            return Err(WriteError::Wrong("more than 4,294,967,295 items or bytes of ids".into()));
        }
        let length = |kind: Kind| match kind {
            Kind::Ends => head.items.checked_mul(4),
            Kind::Ids => Some(id_bytes),
            Kind::Texts => head.items.checked_mul(32),
            Kind::Vectors => head.items.checked_mul(2 * head.origin.width),
            Kind::RemovedEnds => head.removed.checked_mul(4),
            Kind::Removed => Some(removed_bytes),
        };
        let (mut end, mut sections) = (Head::bytes(kinds.len()), Vec::new());
        for &kind in kinds {
            let start = end.next_multiple_of(LINE);
            let Some(place) = length(kind).and_then(|length| Some((length, start.checked_add(length)?)))
            else {
                return Err(WriteError::Wrong(format!("{} vectors at once on this machine", head.items)));
            };
            end = place.1;
            let (put, gathered, hash) = (0, Vec::new(), Sha256::new());
            sections.push(Open { kind, start, length: place.0, put, gathered, hash });
        }
        Ok(Self { out, head, sections, last: String::new(), last_removed: String::new() })
    }

    /// Adds an item. `text` is the SHA-256 of its text.
    ///
    /// # Errors
    /// An id that is not behind the one before it, or a vector that is not compact.
    pub fn item(&mut self, id: &str, text: &[u8; 32], vector: &[i16]) -> Result<(), WriteError<O::Error>> {
        let greatest = vector.iter().fold(0, |most: u16, number| most.max(number.unsigned_abs()));
        let compact = greatest == 0 || greatest == i16::MAX as u16;
        if !compact || vector.len() != self.head.origin.width {
            let why = format!("the vector of {} is not compact, or of another length", shown(id));
            return Err(WriteError::Wrong(why));
        }
        follow(&mut self.last, id)?;
        self.id(Kind::Ids, Kind::Ends, id)?;
        self.add(Kind::Texts, text)?;
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.add(Kind::Vectors, &bytes)
    }

    /// Adds a removed id to a delta.
    ///
    /// # Errors
    /// An id that is not behind the one before it.
    pub fn removed(&mut self, id: &str) -> Result<(), WriteError<O::Error>> {
        follow(&mut self.last_removed, id)?;
        self.id(Kind::Removed, Kind::RemovedEnds, id)
    }

    /// Ends the pack.
    ///
    /// # Errors
    /// Fewer items or ids than the plan says.
    pub fn finish(mut self) -> Result<(Seal, O), WriteError<O::Error>> {
        let mut sections = Vec::new();
        for open in &mut self.sections {
            let Open { kind, start, length, .. } = *open;
            open.give(&mut self.out)?;
            if open.put != length {
                let why = format!("{} of {length} bytes of section {}", open.put, kind as u32);
                return Err(WriteError::Wrong(why));
            }
            let digest = open.hash.clone().finalize().into();
            sections.push(Section { kind: kind as u32, place: start..start + length, digest });
        }
        let (bytes, digest) = self.head.write(&sections);
        self.out.put(0, &bytes).map_err(WriteError::Out)?;
        let mut end = bytes.len();
        for Section { place, .. } in sections {
            self.out.put(end as u64, &[0; LINE][..place.start - end]).map_err(WriteError::Out)?;
            end = place.end;
        }
        Ok((Seal { digest, bytes: end as u64 }, self.out))
    }

    fn id(&mut self, text: Kind, ends: Kind, id: &str) -> Result<(), WriteError<O::Error>> {
        self.add(text, id.as_bytes())?;
        let end = self.sections.iter().find(|open| open.kind == text).map_or(0, Open::so_far);
        self.add(ends, &(end as u32).to_le_bytes())
    }

    fn add(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), WriteError<O::Error>> {
        let Some(open) = self.sections.iter_mut().find(|open| open.kind == kind) else {
            return Err(WriteError::Wrong("removed ids in a full pack".into()));
        };
        if open.so_far() + bytes.len() > open.length {
            let why = format!("more than {} bytes of section {}", open.length, kind as u32);
            return Err(WriteError::Wrong(why));
        }
        open.gathered.extend(bytes);
        if open.gathered.len() < GATHERED { Ok(()) } else { open.give(&mut self.out) }
    }
}

impl Open {
    fn so_far(&self) -> usize {
        self.put + self.gathered.len()
    }

    fn give<O: Out>(&mut self, out: &mut O) -> Result<(), WriteError<O::Error>> {
        if !self.gathered.is_empty() {
            out.put((self.start + self.put) as u64, &self.gathered).map_err(WriteError::Out)?;
            self.hash.update(&self.gathered);
            self.put += self.gathered.len();
            self.gathered.clear();
        }
        Ok(())
    }
}

/// Takes an id that must stand behind the last one.
fn follow<E>(last: &mut String, id: &str) -> Result<(), WriteError<E>> {
    if id <= last.as_str() {
        return Err(WriteError::Wrong(format!("the id {} behind {}", shown(id), shown(last))));
    }
    last.clear();
    last.push_str(id);
    Ok(())
}
