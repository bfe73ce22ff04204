//! Compiled modules on disk.
//!
//! Whoever loads a compiled module runs its machine code. So it must come from a folder that no
//! other user can write (`folder.rs`, `walk.rs`), and its tag must show that a daemon with this
//! folder's key compiled it (`key.rs`). A file holds the code, then the tag. Files are mapped into
//! memory, and replaced as a whole, never changed: an instance's first memory is a copy-on-write
//! mapping of a part of the file.
#![allow(unsafe_code)]

mod folder;
mod key;
mod refusal;
mod walk;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use wasmtime::{Engine, Module};

use self::{
    folder::{Folder, WRITE},
    key::Key,
    refusal::Refusal,
};
use crate::{error::HostError, log};

/// A folder of compiled modules.
pub(crate) struct Cache {
    folder: Folder,
    key: Key,
    path: PathBuf,
}

impl Cache {
    /// Opens the folder, or makes it if it is missing. Without a disk that works, there is no
    /// cache; that costs a line on stderr and a compilation, nothing else.
    ///
    /// # Errors
    ///
    /// A folder that others can write, or to which others can lead the daemon.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, HostError> {
        let opened = Folder::open(path).and_then(|folder| Ok((Key::of(&folder)?, folder)));
        match opened {
            Ok((key, folder)) => Ok(Some(Self { folder, key, path: path.to_owned() })),
            Err(Refusal::Unsafe(detail)) => Err(HostError::Cache { path: path.to_owned(), detail }),
            Err(Refusal::System(error)) => {
                log::line(format_args!("no cache: {}: {error}", path.display()));
                Ok(None)
            }
        }
    }

    /// The module stored under `name`. `None` if the file is missing, damaged, written by anybody
    /// else, or from another compiler.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Option<Module> {
        let report = |error: io::Error| {
            let path = self.path.join(name);
            log::line(format_args!("cache: {}: {error}; the module is compiled anew", path.display()));
        };
        let file = self.folder.read(name, WRITE).map_err(report).ok()??;
        let loaded = self.key.check(name, &file).and_then(|()| {
            // SAFETY: `deserialize_open_file` wants the bytes that `Module::serialize` wrote. It
            // refuses those of another wasmtime or of other settings itself, and ignores bytes
            // behind them. The tag shows that `store` wrote these bytes, and all of them, under
            // this name. They are mapped from the file that was checked. Only this process's user
            // could change it in between or later, because folder and file are writable by nobody
            // else; `store` replaces files and never changes one.
            unsafe { Module::deserialize_open_file(engine, file) }
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:#}")))
        });
        loaded.map_err(report).ok()
    }

    /// Stores compiled code under `name`. A reader sees the whole file or the one before.
    pub(crate) fn store(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let tag = self.key.tag(name, code);
        self.folder.write(name, |file| {
            file.write_all(code)?;
            file.write_all(&tag)
        })
    }
}
