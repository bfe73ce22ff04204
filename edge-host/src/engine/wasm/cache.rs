//! Compiled modules on disk.
//!
//! Whoever loads a compiled module runs its machine code. So it must come from a folder that no
//! other user can write. A file holds the code, then the code's SHA-256. The digest finds
//! incomplete and damaged files; it does not protect against another user. Files are mapped into
//! memory, and replaced as a whole, never changed: an instance's first memory is a copy-on-write
//! mapping of a part of the file.
#![allow(unsafe_code)]

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

/// Bytes of the digest that follows the code.
const DIGEST: u64 = 32;

/// A folder of compiled modules. It belongs to this process's user, and nobody else can write it.
pub(crate) struct Cache {
    folder: PathBuf,
    /// This process's user.
    user: u32,
}

impl Cache {
    /// Opens the folder, or makes it if it is missing. Refuses a folder that others can write.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // The file's owner is this process's user.
        let probe = folder.join(format!("probe-{}", std::process::id()));
        fs::write(&probe, [])?;
        let user = fs::metadata(&probe).map(|made| made.uid());
        fs::remove_file(&probe)?;
        let cache = Self { folder: folder.to_owned(), user: user? };
        cache.check(folder)?;
        Ok(cache)
    }

    fn check(&self, path: &Path) -> io::Result<()> {
        let found = fs::symlink_metadata(path)?;
        let mode = found.permissions().mode() & 0o777;
        if found.is_symlink() || found.uid() != self.user || mode & 0o022 != 0 {
            let text = format!(
                "must belong to user {}, who alone may write it; it belongs to user {} and has mode {mode:o}",
                self.user,
                found.uid()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        Ok(())
    }

    /// The module stored under `name`. `None` if the file is missing, damaged, or from another
    /// compiler.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Option<Module> {
        let path = self.folder.join(name);
        if !path.exists() {
            return None;
        }
        let loaded = self.check(&path).and_then(|()| {
            let mut file = File::open(&path)?;
            let (mut code, mut digest) = (Sha256::new(), Vec::new());
            let length = file.metadata()?.len().saturating_sub(DIGEST);
            io::copy(&mut (&file).take(length), &mut code)?;
            file.read_to_end(&mut digest)?;
            if code.finalize().as_slice() != digest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "damaged"));
            }
            // SAFETY: `deserialize_open_file` wants the bytes that `Module::serialize` wrote. It
            // refuses those of another wasmtime or of other settings itself, and ignores bytes
            // behind them. Only `store` writes files in this form, and it never changes a file that
            // exists. `open` and `check` saw that folder and file belong to this process's user and
            // that no other user can write them. The digest shows that the bytes are complete.
            unsafe { Module::deserialize_open_file(engine, file) }
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:#}")))
        });
        loaded.map_err(|error| eprintln!("edge-host: cache: {}: {error}", path.display())).ok()
    }

    /// Stores compiled code under `name`. A reader sees the whole file or no file.
    pub(crate) fn store(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let partial = self.folder.join(format!("{name}.{}", std::process::id()));
        let mut file = File::create(&partial)?;
        file.write_all(code)?;
        file.write_all(&Sha256::digest(code))?;
        fs::set_permissions(&partial, fs::Permissions::from_mode(0o600))?;
        fs::rename(&partial, self.folder.join(name))
    }
}
