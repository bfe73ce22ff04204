//! The secret key of a cache folder, and the tags that it makes.
//!
//! A tag shows that a daemon with this folder wrote a file under this name. Files of another
//! folder, of another name, and damaged ones have other tags. The key lies in the folder, in a file
//! that its user alone can read.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::folder::Folder;
use crate::log;
use crate::random;

/// Bytes of a tag: HMAC-SHA-256 over a file's name and contents.
pub(super) const TAG: usize = 32;
/// The file of the key.
const NAME: &str = "key";
/// Bytes of the key.
const LENGTH: usize = 32;
/// The mode bits that let a group or others do anything.
const ANY: u32 = 0o077;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// The key of one folder.
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// Reads the folder's key. Makes a new one if it is missing, damaged, or not secret; files with
    /// tags of the old key are then replaced one by one.
    ///
    /// Of two daemons that make a key at the same time, one has a key that is gone. The files that
    /// it writes are compiled anew later.
    pub(super) fn of(folder: &Folder) -> io::Result<Self> {
        let key = match folder.read(NAME, ANY).and_then(|file| file.map(read).transpose()) {
            Ok(Some(key)) => return Self::new(&key),
            Ok(None) => random::bytes::<LENGTH>()?,
            Err(error) => {
                log::line(format_args!("cache: {NAME}: {error}; a new key is made"));
                random::bytes::<LENGTH>()?
            }
        };
        folder.write(NAME, |file| {
            file.write_all(&key)?;
            // After a power failure the file must not be there with zeros in it.
            file.sync_all()
        })?;
        Self::new(&key)
    }

    fn new(key: &[u8; LENGTH]) -> io::Result<Self> {
        Hmac::new_from_slice(key).map(Self).map_err(io::Error::other)
    }

    /// The tag of a file.
    pub(super) fn tag(&self, name: &str, contents: &[u8]) -> [u8; TAG] {
        let mut tag = self.named(name);
        tag.update(contents);
        tag.finalize().into_bytes().into()
    }

    /// Reads a file whose tag follows its contents, and fails if the tag is another one.
    pub(super) fn check(&self, name: &str, file: &File) -> io::Result<()> {
        let mut tag = self.named(name);
        let length = file.metadata()?.len().saturating_sub(TAG as u64);
        let mut contents = file.take(length);
        let mut piece = vec![0; PIECE];
        loop {
            match contents.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => tag.update(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut found = Vec::new();
        file.take(TAG as u64).read_to_end(&mut found)?;
        tag.verify_slice(&found).map_err(|_| {
            let text = "it is damaged, or no daemon with this folder's key wrote it";
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// The beginning of a tag. The length keeps name and contents apart.
    fn named(&self, name: &str) -> Hmac<Sha256> {
        let mut tag = self.0.clone();
        tag.update(&(name.len() as u64).to_le_bytes());
        tag.update(name.as_bytes());
        tag
    }
}

fn read(file: File) -> io::Result<[u8; LENGTH]> {
    let mut key = Vec::new();
    file.take(LENGTH as u64 + 1).read_to_end(&mut key)?;
    let length = key.len();
    key.try_into().map_err(|_| {
        let text = format!("it must have {LENGTH} bytes, not {length}");
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}
