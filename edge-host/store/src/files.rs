//! The vectors of one model: files that only grow.
//!
//! A segment is two files of at most [`ROWS`] vectors: the high parts, and the low parts. The
//! database says how many rows there are. Bytes behind them are of a change that was never
//! acknowledged.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use lockstep_search::Segment;

use crate::error::StoreError;
use crate::mapped::map;

/// Vectors of a segment.
pub(crate) const ROWS: usize = 1 << 14;

/// The names of the two parts, the high one first.
const PARTS: [&str; 2] = ["high", "low"];

/// The files of a model, open for writing.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    width: usize,
    /// Rows in the files.
    written: usize,
    /// Rows behind them that [`Self::sync`] will write, in two parts.
    waiting: [Vec<u8>; 2],
}

impl Files {
    /// Opens the files with `rows` rows, and cuts off what is behind them.
    pub(crate) fn open(folder: PathBuf, width: usize, rows: usize) -> Result<Self, StoreError> {
        fs::create_dir_all(&folder).map_err(StoreError::file(&folder))?;
        let files = Self { folder, width, written: rows, waiting: [Vec::new(), Vec::new()] };
        for segment in 0..rows.div_ceil(ROWS) {
            let expected = ((rows - segment * ROWS).min(ROWS) * width) as u64;
            for part in PARTS {
                let path = files.path(segment, part);
                let file = OpenOptions::new().write(true).open(&path).map_err(StoreError::file(&path))?;
                let found = file.metadata().map_err(StoreError::file(&path))?.len();
                if found < expected {
                    let why = format!("{found} bytes, and the database says {expected}");
                    return Err(StoreError::Damaged { path, why });
                }
                if found > expected {
                    file.set_len(expected).map_err(StoreError::file(&path))?;
                }
            }
        }
        Ok(files)
    }

    /// The number of rows, with those that wait.
    pub(crate) fn rows(&self) -> usize {
        self.written + self.waiting[0].len() / self.width
    }

    /// Adds a row behind the last one, and gives its number.
    pub(crate) fn append(&mut self, compact: &[i16]) -> usize {
        let row = self.rows();
        let [high, low] = &mut self.waiting;
        high.extend(compact.iter().map(|c| c.to_le_bytes()[1]));
        low.extend(compact.iter().map(|c| c.to_le_bytes()[0]));
        row
    }

    /// Drops the rows from `rows` on; none of them has been written.
    pub(crate) fn drop_behind(&mut self, rows: usize) {
        let kept = rows.saturating_sub(self.written) * self.width;
        self.waiting.iter_mut().for_each(|part| part.truncate(kept));
    }

    /// The vector of a row.
    pub(crate) fn read(&self, row: usize) -> Result<Vec<i16>, StoreError> {
        let mut parts = [vec![0; self.width], vec![0; self.width]];
        for ((name, part), waiting) in PARTS.into_iter().zip(&mut parts).zip(&self.waiting) {
            match row.checked_sub(self.written) {
                Some(waits) => part.copy_from_slice(&waiting[waits * self.width..][..self.width]),
                None => {
                    let path = self.path(row / ROWS, name);
                    let offset = (row % ROWS * self.width) as u64;
                    let file = File::open(&path).map_err(StoreError::file(&path))?;
                    file.read_exact_at(part, offset).map_err(StoreError::file(&path))?;
                }
            }
        }
        let [high, low] = parts;
        Ok(high.into_iter().zip(low).map(|(high, low)| i16::from_le_bytes([low, high])).collect())
    }

    /// Writes the rows that wait, and returns when they are on the disk. On an error none of them
    /// counts as written.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        let (first, end) = (self.written, self.rows());
        let mut row = first;
        while row < end {
            let last = end.min((row / ROWS + 1) * ROWS);
            for (name, waiting) in PARTS.into_iter().zip(&self.waiting) {
                let path = self.path(row / ROWS, name);
                let bytes = &waiting[(row - first) * self.width..(last - first) * self.width];
                write(&path, bytes, (row % ROWS * self.width) as u64).map_err(StoreError::file(&path))?;
            }
            if row.is_multiple_of(ROWS) {
                // The names of new files are in the folder.
                let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
                folder.map_err(StoreError::file(&self.folder))?;
            }
            row = last;
        }
        self.waiting.iter_mut().for_each(Vec::clear);
        self.written = end;
        Ok(())
    }

    /// Takes the rows from `rows` on back: the transaction that counts them has failed.
    pub(crate) fn take_back(&mut self, rows: usize) {
        self.drop_behind(rows);
        self.written = self.written.min(rows);
    }

    /// Maps a segment, all of whose rows have been written. `old` is the segment with the rows that
    /// it had before.
    pub(crate) fn segment(&self, segment: usize, old: Option<&Segment>) -> Result<Segment, StoreError> {
        let bytes = (self.written - segment * ROWS).min(ROWS) * self.width;
        let [high, low] = PARTS.map(|part| self.path(segment, part));
        let mapped = |path: &Path| {
            let mapped = map(path).map_err(StoreError::file(path))?;
            if mapped.len() < bytes {
                let why = format!("{} bytes, and the database says {bytes}", mapped.len());
                return Err(StoreError::Damaged { path: path.to_owned(), why });
            }
            Ok(mapped.slice(..bytes))
        };
        let (mapped_high, mapped_low) = (mapped(&high)?, mapped(&low)?);
        let read = match old {
            Some(old) => old.grown(mapped_high, mapped_low),
            None => Segment::new(self.width, mapped_high, mapped_low),
        };
        read.map_err(|error| StoreError::Damaged { path: high, why: error.to_string() })
    }

    fn path(&self, segment: usize, part: &str) -> PathBuf {
        self.folder.join(format!("{segment:06}.{part}"))
    }
}

/// Writes bytes at an offset, and waits for the disk.
fn write(path: &Path, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    // Bytes of a change that failed may lie behind the offset; they are written over.
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.write_all_at(bytes, offset)?;
    file.sync_data()
}
