//! Makes the bytes of a `precompiled_charsmap`, as SentencePiece has them in its models.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use unicode_normalization_alignments::UnicodeNormalization;

/// Replacements by the text that they replace.
pub(crate) type Rules = BTreeMap<String, String>;

/// Rules as those of SentencePiece's `nmt_nfkc`: NFKC of each character and of each composed pair;
/// control characters go, white space becomes a space.
pub(crate) fn nfkc() -> Rules {
    let mut rules = Rules::new();
    for c in '\0'..='\u{2ffff}' {
        let text = c.to_string();
        let composed: String = text.chars().nfkc().map(|(c, _)| c).collect();
        let pair: String = text.chars().nfd().map(|(c, _)| c).collect();
        if pair.chars().count() == 2 && composed == text {
            rules.insert(pair, text.clone());
        }
        if composed != text {
            rules.insert(text, composed);
        }
    }
    for c in (1..0x20_u8).chain([0x7f]).map(char::from) {
        rules.insert(c.into(), if c.is_whitespace() { " " } else { "" }.into());
    }
    for c in ['\u{200b}', '\u{200e}', '\u{feff}', '\u{ad}'] {
        rules.insert(c.into(), "".into());
    }
    for c in ['\u{a0}', '\u{85}', '\u{2003}', '\u{2028}', '\u{3000}'] {
        rules.insert(c.into(), " ".into());
    }
    rules
}

/// The normalizer of these rules.
pub(crate) fn precompiled(rules: &Rules) -> Value {
    json!({"type": "Precompiled", "precompiled_charsmap": BASE64_STANDARD.encode(bytes(rules))})
}

/// The size of the trie, the trie, the replacements.
pub(crate) fn bytes(rules: &Rules) -> Vec<u8> {
    let mut replacements = String::new();
    let entries: Vec<(&[u8], u32)> = rules
        .iter()
        .map(|(from, to)| {
            assert!(!from.is_empty() && !from.contains('\0') && !to.contains('\0'));
            let at = replacements.len() as u32;
            replacements.push_str(to);
            replacements.push('\0');
            (from.as_bytes(), at)
        })
        .collect();
    let units = double_array(&entries);
    let size = (4 * units.len() as u32).to_le_bytes();
    [&size[..], &units.concat(), replacements.as_bytes()].concat()
}

/// A double array of sorted entries, one unit after the other. A unit is the label (8 bits),
/// whether an entry ends here (bit 8), and the place of its children (from bit 10). A unit with
/// bit 31 is a value.
fn double_array(entries: &[(&[u8], u32)]) -> Vec<[u8; 4]> {
    let mut units = vec![None; 1];
    units[0] = Some(0_u32);
    let mut bases = BTreeSet::new();
    let mut free = 1;
    // The place of a node, the entries that pass through it, and its depth.
    let mut nodes = vec![(0_usize, entries, 0_usize)];
    while let Some((place, entries, depth)) = nodes.pop() {
        let ends = entries.first().filter(|(text, _)| text.len() == depth);
        let below = &entries[usize::from(ends.is_some())..];
        let mut labels: Vec<u8> = below.iter().map(|(text, _)| text[depth]).collect();
        labels.dedup();
        let taken = |units: &[Option<u32>], at: usize| units.get(at).copied().flatten().is_some();
        while taken(&units, free) {
            free += 1;
        }
        let first = labels.first().map_or(0, |&label| usize::from(label));
        let fits = |base: &usize| {
            let places = labels.iter().map(|&label| base ^ usize::from(label));
            let mut places = places.chain(ends.map(|_| *base));
            !bases.contains(base) && *base > 0 && places.all(|at| at > 0 && !taken(&units, at))
        };
        let base = (free..).map(|at| at ^ first).find(fits).unwrap();
        bases.insert(base);
        let most = base | 255;
        if units.len() <= most {
            units.resize(most + 1, None);
        }
        if let Some(&(_, value)) = ends {
            units[base] = Some(1 << 31 | value);
        }
        let offset = (base ^ place) as u32;
        // Far children are at a multiple of 256.
        let far = if offset < 1 << 21 { offset << 10 } else { offset << 2 | 1 << 9 };
        assert!(offset < 1 << 21 || offset & 255 == 0);
        *units[place].as_mut().unwrap() |= far | u32::from(ends.is_some()) << 8;
        for &label in &labels {
            let at = base ^ usize::from(label);
            units[at] = Some(label.into());
            let start = below.partition_point(|(text, _)| text[depth] < label);
            let end = below.partition_point(|(text, _)| text[depth] <= label);
            nodes.push((at, &below[start..end], depth + 1));
        }
    }
    units.into_iter().map(|unit| unit.unwrap_or(0).to_le_bytes()).collect()
}
