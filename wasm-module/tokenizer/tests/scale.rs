//! Time grows with the length of the text, not with its square, whatever the text is.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use lockstep_tokenizer::Tokenizer;
use support::{added, bert_uncased, pieces};

/// Each text takes well under a second even without optimization; the square of its length would
/// take far longer than the deadline.
const CHARACTERS: usize = 30_000;
const DEADLINE: Duration = Duration::from_secs(5);

#[test]
fn long_texts_of_one_kind() {
    let mut file = bert_uncased();
    file["model"]["max_input_chars_per_word"] = serde_json::json!(usize::MAX as u64);
    let size = pieces().len();
    for (at, (content, flags)) in
        [(" ", "left right"), ("<n>", "normalized left right single"), ("\n", "right"), ("\t", "left")]
            .into_iter()
            .enumerate()
    {
        file["added_tokens"].as_array_mut().unwrap().push(added(size + at, content, flags));
    }
    let ours = Tokenizer::from_json(&serde_json::to_vec(&file).unwrap()).unwrap();
    let kinds = [
        "a",
        "z",
        "é",
        "\u{301}",
        "\u{316}\u{301}",
        "\u{93e}\u{3099}",
        " ",
        "\n",
        " \n",
        "\t\u{a0}",
        "[",
        "[SEP",
        "[SEP] ",
        "<n>",
        "<n> ",
        " <n",
        ".",
        "中",
        "한",
        "\0",
        "\u{200d}",
        "İ",
        "😀",
        "the unaffable world. ",
    ];
    for kind in kinds {
        let text = kind.repeat(CHARACTERS / kind.chars().count());
        let start = Instant::now();
        let whole = ours.encode(&text, usize::MAX).unwrap();
        let cut = ours.encode_pair(&text, &text, 512).unwrap();
        assert!(start.elapsed() < DEADLINE, "{kind:?} took {:?}", start.elapsed());
        assert_eq!(whole.total_tokens, whole.ids.len());
        assert_eq!(cut.total_tokens, 2 * (whole.total_tokens - 2) + 3, "{kind:?}");
        assert_eq!(cut.ids.len(), cut.total_tokens.min(512), "{kind:?}");
    }
}
