//! Compiled modules on disk.
//!
//! Loading one runs whatever machine code it holds, so it must come from a folder that no other
//! user can write. A file is `SHA-256(code) code`; the digest finds torn and rotten files, it does
//! not keep anybody out.
#![allow(unsafe_code)]

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

/// Bytes of the digest in front of the code.
const DIGEST: usize = 32;

/// A folder of compiled modules that belongs to this process's user and that nobody else can
/// write.
pub(crate) struct Cache {
    folder: PathBuf,
    /// This process's user.
    user: u32,
}

impl Cache {
    /// Opens the folder, making it where there is none, and refuses one that others can write.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // A file made here belongs to whoever this process is.
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

    /// The module stored under `name`, unless it is absent, damaged or of another compiler.
    pub(crate) fn load(&self, engine: &Engine, name: &str) -> Option<Module> {
        let path = self.folder.join(name);
        if !path.exists() {
            return None;
        }
        let loaded = self.check(&path).and_then(|()| {
            let file = fs::read(&path)?;
            let (digest, code) = file.split_at_checked(DIGEST).unwrap_or_default();
            if Sha256::digest(code).as_slice() != digest {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "damaged"));
            }
            // SAFETY: `deserialize` wants bytes that `Module::serialize` wrote, and itself refuses
            // those of another wasmtime or of other settings. `store` is the only writer of files
            // in this form; `open` and `check` saw that folder and file belong to this process's
            // user and that no other user can write them; and the digest shows that the bytes
            // are as written.
            unsafe { Module::deserialize(engine, code) }
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{error:#}")))
        });
        loaded.map_err(|error| eprintln!("edge-host: cache: {}: {error}", path.display())).ok()
    }

    /// Stores compiled code under `name`. A reader sees the whole file or none.
    pub(crate) fn store(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let mut file = Sha256::digest(code).to_vec();
        file.extend_from_slice(code);
        let partial = self.folder.join(format!("{name}.{}", std::process::id()));
        fs::write(&partial, file)?;
        fs::set_permissions(&partial, fs::Permissions::from_mode(0o600))?;
        fs::rename(&partial, self.folder.join(name))
    }
}
