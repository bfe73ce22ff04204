//! A folder that this process's user alone can write, and files in it.
//!
//! All files are opened relative to the open folder, so it does not matter if its path later leads
//! elsewhere. A new file gets a random name and is then renamed: no file that exists, and no link
//! that somebody put there, is ever written through.

use std::{fs::File, io, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, renameat, unlinkat},
    io::Errno,
    process::geteuid,
};

use super::{refusal::Refusal, walk};
use crate::random;

/// The mode bits that let a group or others write.
pub(super) const WRITE: u32 = 0o022;

/// An open folder. It belongs to this process's user, and nobody else can write it.
pub(super) struct Folder {
    descriptor: OwnedFd,
    user: u32,
}

impl Folder {
    /// Opens the folder at `path`, or makes it. Nothing is written to a folder that is refused.
    pub(super) fn open(path: &Path) -> Result<Self, Refusal> {
        let user = geteuid().as_raw();
        let descriptor = walk::open(path, user)?;
        let found = fstat(&descriptor).map_err(io::Error::from)?;
        let (owner, mode) = (found.st_uid, permissions(&found));
        if owner != user || mode & WRITE != 0 {
            let way_out = if owner == user {
                "take the right to write from the others (chmod go-w)"
            } else {
                "name a folder that is not there yet, and the daemon makes it"
            };
            return Err(Refusal::Unsafe(format!(
                "it must belong to user {user}, who alone may write it: whoever can write it can run code as \
                 user {user}. It belongs to user {owner} and has mode {mode:o}; {way_out}"
            )));
        }
        Ok(Self { descriptor, user })
    }

    /// Opens a file; `None` if there is none. It must be a regular file of this process's user with
    /// no other name, and others must have none of the rights `denied`.
    pub(super) fn read(&self, name: &str, denied: u32) -> io::Result<Option<File>> {
        // A named pipe would let `open` wait for a writer.
        let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match openat(&self.descriptor, name, how, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(refused("it is a symbolic link".into())),
            file => File::from(file?),
        };
        let found = fstat(&file)?;
        let (owner, mode, links) = (found.st_uid, permissions(&found), found.st_nlink);
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(refused("it is no regular file".into()));
        }
        if owner != self.user || mode & denied != 0 || links != 1 {
            return Err(refused(format!(
                "it belongs to user {owner} and has mode {mode:o} and {links} names; only a file of user {} \
                 with one name is used, to which others have no rights of {denied:o}",
                self.user
            )));
        }
        Ok(Some(file))
    }

    /// Puts a file in place of `name`, or of the link of that name. A reader sees the whole file or
    /// the one before.
    pub(super) fn write(&self, name: &str, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let partial = format!("partial-{:016x}", u64::from_le_bytes(random::bytes()?));
        let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.descriptor, &partial, how, Mode::RUSR | Mode::WUSR)?);
        let written =
            fill(&mut file).and_then(|()| Ok(renameat(&self.descriptor, &partial, &self.descriptor, name)?));
        if written.is_err() {
            // The first error is the one to report.
            let _ = unlinkat(&self.descriptor, &partial, AtFlags::empty());
        }
        written
    }
}

/// The rights of owner, group and others.
fn permissions(found: &Stat) -> u32 {
    found.st_mode & 0o777
}

fn refused(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}
