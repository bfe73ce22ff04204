//! A batch of sequences as bytes, for the boundary between the module and its host.
//!
//! The bytes are little-endian `u32`: the number of sequences, then for each one its number of
//! tokens, the token ids and the type ids.

use lockstep_model::Sequence;

/// A sequence that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnedSequence {
    /// Token ids.
    pub ids: Vec<u32>,
    /// A type id for each token.
    pub type_ids: Vec<u8>,
}

impl OwnedSequence {
    /// The sequence, as the model takes it.
    #[must_use]
    pub fn borrowed(&self) -> Sequence<'_> {
        Sequence { ids: &self.ids, type_ids: &self.type_ids }
    }
}

/// Writes a batch. A sequence needs as many type ids as token ids.
#[must_use]
pub fn write(batch: &[Sequence<'_>]) -> Vec<u8> {
    let words: usize = batch.iter().map(|sequence| 1 + 2 * sequence.ids.len()).sum();
    let mut bytes = Vec::with_capacity(4 * (1 + words));
    let mut put = |word: u32| bytes.extend(word.to_le_bytes());
    put(batch.len() as u32);
    for sequence in batch {
        put(sequence.ids.len() as u32);
        sequence.ids.iter().for_each(|&id| put(id));
        sequence.type_ids.iter().for_each(|&id| put(id.into()));
    }
    bytes
}

/// Reads a batch.
///
/// # Errors
/// A message that says where the bytes end too early, go on too long, or hold a type id above 255.
pub fn read(bytes: &[u8]) -> Result<Vec<OwnedSequence>, String> {
    let (words, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(format!("a batch of {} bytes, which is no multiple of 4", bytes.len()));
    }
    let mut words = Words(words);
    let count = words.next()?;
    // The number is not trusted: each sequence needs bytes of its own.
    let mut batch = Vec::with_capacity(count.min(words.0.len()));
    for _ in 0..count {
        let tokens = words.next()?;
        let ids = words.take(tokens)?.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let types = words.take(tokens)?.iter().map(|word| u32::from_le_bytes(*word));
        let type_ids = types.map(|id| u8::try_from(id).map_err(|_| format!("a type id of {id}")));
        batch.push(OwnedSequence { ids, type_ids: type_ids.collect::<Result<_, _>>()? });
    }
    match words.0.len() {
        0 => Ok(batch),
        left => Err(format!("a batch of {count} sequences has {left} numbers too many")),
    }
}

/// The words that were not read yet.
struct Words<'a>(&'a [[u8; 4]]);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<usize, String> {
        self.take(1).map(|word| u32::from_le_bytes(word[0]) as usize)
    }

    fn take(&mut self, count: usize) -> Result<&'a [[u8; 4]], String> {
        let Some((taken, rest)) = self.0.split_at_checked(count) else {
            return Err(format!("a batch ends {} numbers too early", count - self.0.len()));
        };
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_batch_reads_back() {
        let batch = [
            OwnedSequence { ids: vec![101, 7, 30_000, 102], type_ids: vec![0, 0, 1, 255] },
            OwnedSequence::default(),
            OwnedSequence { ids: vec![u32::MAX], type_ids: vec![1] },
        ];
        let borrowed: Vec<Sequence<'_>> = batch.iter().map(OwnedSequence::borrowed).collect();
        let bytes = write(&borrowed);
        assert_eq!(bytes.len(), 4 * (1 + 9 + 1 + 3));
        assert_eq!(read(&bytes).unwrap(), batch);
        assert_eq!(read(&write(&[])).unwrap(), []);
    }

    #[test]
    fn broken_batches_are_refused() {
        let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_le_bytes()).collect() };
        for (bytes, part) in [
            (vec![], "ends 1 numbers too early"),
            (vec![1, 0, 0], "3 bytes"),
            (words(&[1]), "ends 1 numbers too early"),
            (words(&[u32::MAX, 0]), "ends 1 numbers too early"),
            (words(&[1, u32::MAX, 5]), "too early"),
            (words(&[1, 2, 5, 5, 0]), "ends 1 numbers too early"),
            (words(&[1, 1, 5, 256]), "a type id of 256"),
            (words(&[1, 1, 5, 0, 9]), "1 numbers too many"),
        ] {
            let message = read(&bytes).unwrap_err();
            assert!(message.contains(part), "{bytes:?}: {message}");
        }
    }
}
