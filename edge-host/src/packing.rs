//! `edge-host pack`: writes a vector pack, from a folder of items or from lines of JSON.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt::Display,
    fs::{self, File},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use lockstep_arith::item::compact;
use lockstep_module::{TextModel, TextReader};
use lockstep_pack::{Head, Origin, Plan, Seal, Writer, hex};
use lockstep_rank::{Encoded, Limits, ModelInfo, Text, TextEncoder, origin, whole_characters};
use lockstep_store::{Settings, Store, text_hash};
use serde::Deserialize;

use crate::{engine::unopened, error::HostError, files::read, pack_file::PackFile};

/// Texts that are encoded before their vectors are written.
const TOGETHER: usize = 512;

/// Where the items come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackSource {
    /// A folder of items, which no daemon has open. Its vectors are taken as they are.
    Folder(PathBuf),
    /// A file with a JSON object on each line, as for `/v1/items/bulk`. The model reads the texts.
    Lines(PathBuf),
}

/// An item of a line. Other fields have no part in a pack.
#[derive(Deserialize)]
struct Line {
    id: String,
    text: String,
}

/// Writes a pack of items for a model folder to the file `out`, and gives a line that describes it.
///
/// # Errors
/// A folder or a file that cannot be used, a line that is no item, or a model without vectors.
pub fn pack(model: &Path, source: &PackSource, out: &Path) -> Result<String, HostError> {
    let new = out.with_added_extension("new");
    let file = File::create(&new).map_err(|source| HostError::File { path: new.clone(), source })?;
    let written = match source {
        PackSource::Folder(folder) => of_folder(model, folder, &file),
        PackSource::Lines(lines) => of_lines(model, lines, &file),
    };
    let done = written.and_then(|written| {
        fs::rename(&new, out).map_err(|source| HostError::File { path: out.to_owned(), source })?;
        Ok(written)
    });
    let (head, seal, left) = done.inspect_err(|_| {
        // What is left of the file helps nobody.
        let _ = fs::remove_file(&new);
    })?;
    let Head { items, origin, .. } = head;
    let (bytes, digest, width) = (seal.bytes, hex(&seal.digest), origin.width);
    let left = if left { "; other items have no vector of this model yet: serve them with it" } else { "" };
    let path = out.display();
    Ok(format!("{path}: {items} items, vectors of {width} numbers, {bytes} bytes, SHA-256 {digest}{left}\n"))
}

/// The head and the seal of the pack, and whether items were left out.
type Written = Result<(Head, Seal, bool), HostError>;

fn of_folder(model: &Path, folder: &Path, file: &File) -> Written {
    let info = TextReader::open_folder(model).map_err(unopened)?.info("");
    let origin = origin_of(&info)?;
    if !folder.join("items.sqlite").is_file() {
        return Err(HostError::Pack(format!("--items {}: no folder of items", folder.display())));
    }
    let store = Store::open(folder, Settings::default())?;
    let (packed, _) = store.pack(&origin, None, PackFile(file))?;
    let left = !store.missing(&hex(&origin.space), 0, 1)?.is_empty();
    Ok((packed.head, packed.seal, left))
}

fn of_lines(model: &Path, path: &Path, file: &File) -> Written {
    let items = read_lines(path)?;
    let model = TextModel::open_folder(model).map_err(unopened)?;
    let origin = origin_of(model.info())?;
    let (count, id_bytes) = (items.len(), items.keys().map(String::len).sum());
    // A list has no series, so that no delta goes on from it.
    let head = Head { origin, items: count, removed: 0, series: [0; 16], sequence: 0, base: 0 };
    let plan = Plan { head, id_bytes, removed_bytes: 0 };
    let failed = |error: &dyn Display| HostError::Pack(format!("the vector pack: {error}"));
    let mut writer = Writer::new(PackFile(file), &plan).map_err(|error| failed(&error))?;
    let items: Vec<(&String, &String)> = items.iter().map(|(id, (_, text))| (id, text)).collect();
    for together in items.chunks(TOGETHER) {
        let encoded = encode(&model, together)?;
        for ((id, text), encoded) in together.iter().zip(encoded) {
            let added = writer.item(id, &text_hash(text), &compact(&encoded.vector));
            added.map_err(|error| failed(&error))?;
        }
    }
    let (seal, _) = writer.finish().map_err(|error| failed(&error))?;
    Ok((head, seal, false))
}

fn origin_of(info: &ModelInfo) -> Result<Origin, HostError> {
    let refused =
        || HostError::Pack(format!("{} is no embedding model, so it has no vectors", info.model_id));
    origin(info).ok_or_else(refused)
}

/// The lines of items by their ids, and their texts.
fn read_lines(path: &Path) -> Result<BTreeMap<String, (usize, String)>, HostError> {
    let bytes = read(path)?;
    let Limits { max_id_bytes, max_text_bytes, .. } = Limits::default();
    let mut items = BTreeMap::new();
    for (line, number) in bytes.split(|&byte| byte == b'\n').zip(1..) {
        let refuse = |why: &dyn Display| HostError::Pack(format!("{}: line {number}: {why}", path.display()));
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let line = str::from_utf8(line).map_err(|error| refuse(&error))?;
        let line = whole_characters(line);
        let Line { id, text } = serde_json::from_str(&line).map_err(|error| refuse(&error))?;
        if id.is_empty() || id.len() > max_id_bytes {
            return Err(refuse(&format!(
                "an id of {} bytes, from 1 to {max_id_bytes} are allowed",
                id.len()
            )));
        }
        if text.len() > max_text_bytes {
            return Err(refuse(&format!("a text of {} bytes, the limit is {max_text_bytes}", text.len())));
        }
        match items.entry(id) {
            Entry::Vacant(place) => drop(place.insert((number, text))),
            Entry::Occupied(first) => {
                let (id, (before, _)) = (first.key(), first.get());
                return Err(refuse(&format!("{id:?} is the id of line {before} already")));
            }
        }
    }
    Ok(items)
}

/// Runs the model on the texts of items, on all cores.
fn encode(model: &TextModel, items: &[(&String, &String)]) -> Result<Vec<Encoded>, HostError> {
    let prompt = model.info().prompts.document();
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let part = |items: &[(&String, &String)]| -> Result<Vec<Encoded>, HostError> {
        let texts: Vec<String> = items.iter().map(|(_, text)| format!("{prompt}{text}")).collect();
        let texts: Vec<Text<'_>> = texts.iter().map(|text| Text::single(text)).collect();
        let encodings = model.reader().tokenize_all(&texts);
        let encoded = encodings.and_then(|encodings| model.run_texts(&encodings));
        encoded.map_err(|error| HostError::Pack(error.to_string()))
    };
    let parts = thread::scope(|scope| {
        let each = items.chunks(items.len().div_ceil(threads).max(1));
        let running: Vec<_> = each.map(|items| scope.spawn(move || part(items))).collect();
        let ended = |part: thread::ScopedJoinHandle<'_, Result<Vec<Encoded>, HostError>>| {
            part.join().unwrap_or_else(|_| Err(HostError::Pack("the model panicked".into())))
        };
        running.into_iter().map(ended).collect::<Result<Vec<_>, _>>()
    });
    Ok(parts?.concat())
}
