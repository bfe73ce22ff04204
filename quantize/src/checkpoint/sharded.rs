//! Reads weights that are split over several safetensors files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::{CheckpointError, read_file};
use super::json::Json;
use super::safetensors;
use super::tensor::Tensor;

/// Reads the files that the index names. Each tensor comes from the file that the index says.
///
/// # Errors
/// Names the index or the file, and the tensor.
pub(super) fn read(index: &Path) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let json = Json::read(index)?;
    let map = json.object("weight_map")?.ok_or_else(|| json.refuse("weight_map", "allowed: an object"))?;
    let mut shards = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (tensor, _) in map.entries() {
        let shard = map.text(tensor)?.unwrap_or_default();
        if Path::new(shard).file_name().is_none_or(|name| name != shard) {
            return Err(map.refuse(tensor, "allowed: the name of a file beside the index"));
        }
        shards.entry(shard).or_default().insert(tensor);
    }
    let mut tensors = BTreeMap::new();
    for (shard, names) in shards {
        let path = index.with_file_name(shard);
        let fail = |reason| CheckpointError::Weights { path: path.clone(), reason };
        let mut found = safetensors::read(&read_file(&path)?).map_err(fail)?;
        found.retain(|name, _| names.contains(name.as_str()));
        tensors.extend(found);
    }
    Ok(tensors)
}
