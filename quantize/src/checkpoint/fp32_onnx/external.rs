//! Brings tensors that lie in other files (external data) into the graph.

use std::collections::HashMap;
use std::path::{Component, Path};

use crate::onnx::proto::{EXTERNAL, Graph, Tensor as Values};

/// Reads the bytes of all external tensors, initializers and constants, from files in `folder` or
/// below it.
///
/// # Errors
/// Names the tensor, and the file or the range that is wrong.
pub(super) fn load(graph: &mut Graph, folder: &Path) -> Result<(), String> {
    let constants = graph.node.iter_mut().flat_map(|node| &mut node.attribute).filter_map(|a| a.t.as_mut());
    let tensors = graph.initializer.iter_mut().chain(constants);
    let mut files = HashMap::<String, Vec<u8>>::new();
    for tensor in tensors.filter(|tensor| tensor.data_location == EXTERNAL) {
        let fail = |why: String| format!("tensor {} is in another file (external data): {why}", tensor.name);
        let location = property(tensor, "location").ok_or_else(|| fail("its location is missing".into()))?;
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(&location).components().all(plain) {
            return Err(fail(format!(
                "location is {location:?}, allowed: a path below the ONNX file's folder"
            )));
        }
        if !files.contains_key(&location) {
            let path = folder.join(&location);
            let bytes =
                std::fs::read(&path).map_err(|e| fail(format!("cannot read {}: {e}", path.display())))?;
            files.insert(location.clone(), bytes);
        }
        let file = &files[&location];
        let number = |key: &str| match property(tensor, key).filter(|text| !text.is_empty()) {
            Some(text) => text
                .parse::<usize>()
                .map(Some)
                .map_err(|_| fail(format!("{key} is {text:?}, allowed: a number"))),
            None => Ok(None),
        };
        let (start, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let end = length.map_or(Some(file.len()), |length| start.checked_add(length));
        let range = end.and_then(|end| file.get(start..end));
        let bytes = range.ok_or_else(|| {
            let length = length.map_or("the rest".into(), |length| format!("{length} bytes"));
            fail(format!("{location} has {} bytes, the tensor is {length} from {start} on", file.len()))
        })?;
        (tensor.raw_data, tensor.data_location) = (bytes.to_vec(), 0);
    }
    Ok(())
}

fn property(tensor: &Values, key: &str) -> Option<String> {
    tensor.external_data.iter().find(|p| p.key == key).map(|p| p.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{Attribute, Node, Property};

    fn tensor(entries: &[(&str, &str)]) -> Values {
        let property = |(key, value): &(&str, &str)| Property { key: (*key).into(), value: (*value).into() };
        Values {
            name: "a.bias".into(),
            data_location: EXTERNAL,
            external_data: entries.iter().map(property).collect(),
            ..Values::default()
        }
    }

    /// The bytes that the tensor gets, as an initializer and as a constant.
    fn loaded(entries: &[(&str, &str)]) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("sub")).expect("a folder");
        for path in ["w.data", "sub/w.data"] {
            std::fs::write(folder.path().join(path), [1, 2, 3, 4, 5]).expect("a file");
        }
        let attribute = Attribute { t: Some(tensor(entries)), ..Attribute::default() };
        let node = vec![Node { attribute: vec![attribute], ..Node::default() }];
        let mut graph = Graph { node, initializer: vec![tensor(entries)], ..Graph::default() };
        load(&mut graph, folder.path())?;
        let constant = graph.node[0].attribute[0].t.take().expect("a tensor");
        assert_eq!((&constant, constant.data_location), (&graph.initializer[0], 0));
        Ok(constant.raw_data)
    }

    #[test]
    fn the_range_of_the_file_is_taken() {
        let at = ("location", "w.data");
        assert_eq!(loaded(&[at]), Ok(vec![1, 2, 3, 4, 5]));
        assert_eq!(loaded(&[("location", "sub/w.data"), ("offset", "3")]), Ok(vec![4, 5]));
        assert_eq!(loaded(&[at, ("offset", "1"), ("length", "2")]), Ok(vec![2, 3]));
        assert_eq!(loaded(&[at, ("length", "5"), ("checksum", "x")]), Ok(vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn what_leads_elsewhere_or_nowhere_is_refused() {
        let at = ("location", "w.data");
        for (entries, part) in [
            (&[][..], "its location is missing"),
            (&[("location", "../w.data")], "allowed: a path below"),
            (&[("location", "/etc/passwd")], "allowed: a path below"),
            (&[("location", "none.data")], "none.data"),
            (&[at, ("offset", "-1")], "offset is \"-1\""),
            (&[at, ("length", "6")], "w.data has 5 bytes, the tensor is 6 bytes from 0 on"),
            (&[at, ("offset", "6")], "the tensor is the rest from 6 on"),
            (&[at, ("offset", "18446744073709551615"), ("length", "2")], "2 bytes from 18446744073709551615"),
        ] {
            let message = loaded(entries).expect_err("refused");
            assert!(
                message.starts_with("tensor a.bias is in another file") && message.contains(part),
                "{message}"
            );
        }
    }
}
