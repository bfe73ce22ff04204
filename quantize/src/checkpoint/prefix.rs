//! Removes what stands before the names of the encoder.

use std::collections::BTreeMap;

use super::tensor::Tensor;

/// The end of the word table's name.
const WORDS: &str = "embeddings.word_embeddings.weight";

/// Removes the prefix of the word table from all names, or the prefix without its last part:
/// `model.bert.encoder.x` becomes `encoder.x`, and `model.classifier.x` becomes `classifier.x`.
///
/// # Errors
/// Two word tables, or two tensors that get one name.
pub(super) fn without_prefix(tensors: BTreeMap<String, Tensor>) -> Result<BTreeMap<String, Tensor>, String> {
    let found = tensors.keys().filter_map(|name| name.strip_suffix(WORDS));
    let prefixes: Vec<&str> = found.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).collect();
    let prefix = match prefixes.as_slice() {
        [] => "",
        [prefix] => prefix,
        [first, second, ..] => {
            return Err(format!(
                "two encoders, {first}{WORDS} and {second}{WORDS}; give a checkpoint of one of them"
            ));
        }
    };
    let prefix = prefix.to_owned();
    let outer = prefix.trim_end_matches('.').rfind('.').map_or("", |dot| &prefix[..=dot]);
    let mut renamed = BTreeMap::new();
    for (name, tensor) in tensors {
        let short = name.strip_prefix(&prefix).or_else(|| name.strip_prefix(outer)).unwrap_or(&name);
        if renamed.insert(short.to_owned(), tensor).is_some() {
            return Err(format!("two tensors have the name {short}, one of them with the prefix {prefix}"));
        }
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Result<Vec<String>, String> {
        let tensor = || Tensor { shape: vec![0], data: vec![] };
        let tensors = names.iter().map(|name| ((*name).to_owned(), tensor())).collect();
        without_prefix(tensors).map(|tensors| tensors.into_keys().collect())
    }

    #[test]
    fn any_prefix_goes_with_its_head() {
        for (prefix, outer) in [
            ("", ""),
            ("bert.", ""),
            ("model.bert.", "model."),
            ("module.", ""),
            ("0.auto_model.", "0."),
            ("_orig_mod.module.bert.", "_orig_mod.module."),
        ] {
            let long =
                [format!("{outer}classifier.bias"), format!("{prefix}{WORDS}"), format!("{prefix}encoder.x")];
            let found = names(&long.each_ref().map(String::as_str));
            assert_eq!(
                found,
                Ok(["classifier.bias", WORDS, "encoder.x"].map(str::to_owned).into()),
                "{prefix}"
            );
        }
        assert_eq!(names(&["a.b", "bert.c"]), Ok(vec!["a.b".to_owned(), "bert.c".to_owned()]));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let two = names(&["a.embeddings.word_embeddings.weight", "b.embeddings.word_embeddings.weight"]);
        assert!(two.is_err_and(|e| e.starts_with("two encoders, a.embeddings.word")));
        let clash = names(&["bert.embeddings.word_embeddings.weight", "bert.x", "x"]);
        assert!(clash.is_err_and(|e| e.starts_with("two tensors have the name x")));
    }
}
