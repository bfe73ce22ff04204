//! Opens a folder step by step, and makes the folders that are missing.
//!
//! An ordinary `open` follows every link in a path. Where another user can write a folder of the
//! path, such as `/tmp`, he could lead the daemon to any other folder of its user. Here a link on
//! the way must belong to root or to the daemon's user, and the last name must be no link at all.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat},
    io::Errno,
};

use super::refusal::Refusal;

/// How many names a path may have, those of its links included.
const STEPS: usize = 1000;
/// A descriptor that only names its file: other files are opened relative to it.
const NAME: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the folder at `path`. Every folder that is missing is made with mode 700.
pub(super) fn open(path: &Path, user: u32) -> Result<OwnedFd, Refusal> {
    let mut here = begin(path)?;
    let mut names: VecDeque<OsString> = parts(path).collect();
    for _ in 0..STEPS {
        let Some(name) = names.pop_front() else { return Ok(here) };
        let next = match openat(&here, &name, NAME, Mode::empty()) {
            Err(Errno::NOENT) => {
                match mkdirat(&here, &name, Mode::RWXU) {
                    // Another process may have made it just now.
                    Ok(()) | Err(Errno::EXIST) => names.push_front(name),
                    Err(error) => return Err(Refusal::System(error.into())),
                }
                continue;
            }
            next => next.map_err(|error| Refusal::System(error.into()))?,
        };
        let found = fstat(&next).map_err(|error| Refusal::System(error.into()))?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => here = next,
            FileType::Symlink if names.is_empty() => {
                return Err(Refusal::Unsafe("it is a symbolic link; name the folder itself".into()));
            }
            FileType::Symlink if ![0, user].contains(&found.st_uid) => {
                let text = format!(
                    "{} on its way is a symbolic link of user {}; only links of root and of user {user} are followed",
                    name.display(),
                    found.st_uid
                );
                return Err(Refusal::Unsafe(text));
            }
            FileType::Symlink => {
                let target =
                    readlinkat(&next, "", Vec::new()).map_err(|error| Refusal::System(error.into()))?;
                let target = Path::new(OsStr::from_bytes(target.to_bytes()));
                if target.is_absolute() {
                    here = begin(target)?;
                }
                for name in parts(target).rev() {
                    names.push_front(name);
                }
            }
            _ => return Err(Refusal::Unsafe(format!("{} is no folder", name.display()))),
        }
    }
    Err(Refusal::Unsafe(format!("its path has more than {STEPS} names, those of its links included")))
}

/// The folder where a path begins.
fn begin(path: &Path) -> Result<OwnedFd, Refusal> {
    let first = if path.is_absolute() { "/" } else { "." };
    openat(CWD, first, NAME, Mode::empty()).map_err(|error| Refusal::System(error.into()))
}

/// The names of a path, without its root.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(_) | Component::ParentDir => Some(component.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}
