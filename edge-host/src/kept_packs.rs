//! The items that the daemon keeps, as vector packs.
//!
//! A pack is written to a file once for each state of the items, and mapped; the file has no name
//! any more by then. So a pack takes no memory of the daemon, however slowly clients read it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use hyper::body::Bytes;
use lockstep_pack::{Origin, hex};
use lockstep_rank::Problem;
use lockstep_store::{Moment, map};

use crate::items::{Items, refusal};

/// Makes packs of the items of a folder.
pub(crate) struct KeptPacks {
    items: Arc<Items>,
    origin: Origin,
    /// A pack while it is written. The packs of another model have another one.
    path: PathBuf,
    /// The full pack that was made last. The lock is held while a pack is written.
    full: Mutex<Option<(String, Bytes)>>,
}

/// A pack for a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeptPack {
    /// Names the content: equal tags mean equal packs.
    pub(crate) tag: String,
    /// The number of the last change.
    pub(crate) sequence: u64,
    /// The file; `None` if the client has it.
    pub(crate) file: Option<Bytes>,
}

impl KeptPacks {
    pub(crate) fn new(items: Arc<Items>, origin: Origin, folder: &Path) -> Self {
        let path = folder.join(format!("pack-{}.new", hex(&origin.space[..8])));
        Self { items, origin, path, full: Mutex::new(None) }
    }

    /// A full pack, or what changed since the sequence `since`. A client that knows the pack by its
    /// tag gets none.
    ///
    /// # Errors
    /// The store fails, or its log does not reach back so far.
    pub(crate) fn get(&self, since: Option<u64>, knows: impl Fn(&str) -> bool) -> Result<KeptPack, Problem> {
        let moment = self.items.moment().map_err(refusal)?;
        let tag = self.tag(&moment, since);
        if knows(&tag) {
            return Ok(KeptPack { tag, sequence: moment.sequence, file: None });
        }
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some((of, file))) = (since, &*full)
            && *of == tag
        {
            return Ok(KeptPack { tag, sequence: moment.sequence, file: Some(file.clone()) });
        }
        let (moment, file) = self.write(since)?;
        let tag = self.tag(&moment, since);
        if since.is_none() {
            *full = Some((tag.clone(), file.clone()));
        }
        Ok(KeptPack { tag, sequence: moment.sequence, file: Some(file) })
    }

    fn tag(&self, Moment { series, sequence, .. }: &Moment, since: Option<u64>) -> String {
        let space = hex(&self.origin.space[..8]);
        format!("\"{}-{space}-{sequence}-{}\"", hex(series), since.unwrap_or(0))
    }

    /// Writes a pack, and gives the moment that it has the items of.
    fn write(&self, since: Option<u64>) -> Result<(Moment, Bytes), Problem> {
        let path = &self.path;
        let failed = |error| Problem::Backend(format!("the vector pack: {}: {error}", path.display()));
        let file = File::create(path).map_err(failed)?;
        let packed = self.items.pack(&self.origin, since, &file).map_err(refusal);
        let mapped = packed.and_then(|packed| Ok((packed, map(path).map_err(failed)?)));
        fs::remove_file(path).map_err(failed)?;
        let (packed, mapped) = mapped?;
        let (series, sequence, floor) = (packed.head.series, packed.head.sequence, packed.head.base);
        Ok((Moment { series, sequence, floor }, mapped))
    }
}
