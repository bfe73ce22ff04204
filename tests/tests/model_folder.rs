//! A model folder that is damaged, or has files of two models, is refused by an error that names
//! why.
#![allow(clippy::unwrap_used)]

use lockstep_module::TextModel;
use lockstep_rank::{Text, TextEncoder};
use lockstep_tests::folder;
use lockstep_tests::places::{real_model, tiny_model};
use serde_json::{Value, json};

/// The three files of the tiny model that an engine opens.
fn files() -> [Vec<u8>; 3] {
    folder::files(&tiny_model()).unwrap()
}

fn refusal([model, tokenizer, manifest]: [Vec<u8>; 3]) -> String {
    match TextModel::open(model, &tokenizer, &manifest) {
        Ok(_) => panic!("the folder was opened"),
        Err(error) => error.to_string(),
    }
}

/// Writes the digests of these files into the manifest, so that the digest check passes.
fn sign([model, tokenizer, manifest]: [Vec<u8>; 3], change: impl Fn(&mut Value)) -> [Vec<u8>; 3] {
    let mut value: Value = serde_json::from_slice(&manifest).unwrap();
    value["digests"]["model.lockstep"] = json!(lockstep_folder::manifest::sha256(&model));
    value["digests"]["tokenizer.json"] = json!(lockstep_folder::manifest::sha256(&tokenizer));
    change(&mut value);
    [model, tokenizer, serde_json::to_vec(&value).unwrap()]
}

/// The run-time file is the ONNX file packed, by both readers of ONNX.
#[test]
fn both_files_hold_the_same_model() {
    for folder in [tiny_model(), real_model()] {
        let [packed, ..] = folder::files(&folder).unwrap();
        assert!(
            lockstep_folder::runtime::write(&folder::reference(&folder)) == packed,
            "{}",
            folder.display()
        );
        let onnx = std::fs::read(folder.join("model.onnx")).unwrap();
        assert!(lockstep_onnx::pack(&onnx).unwrap() == packed, "{}", folder.display());
    }
}

#[test]
fn the_folder_itself_opens() {
    let [model, tokenizer, manifest] = sign(files(), |_| {});
    assert!(TextModel::open(model, &tokenizer, &manifest).is_ok());
}

#[test]
fn a_truncated_or_changed_file_is_noticed_by_its_digest() {
    for (i, name) in ["model.lockstep", "tokenizer.json"].into_iter().enumerate() {
        let mut cut = files();
        let half = cut[i].len() / 2;
        cut[i].truncate(half);
        let message = refusal(cut);
        assert!(message.starts_with(&format!("{name} ({half} bytes) has SHA-256")), "{message}");
        let mut flipped = files();
        flipped[i][half] ^= 1;
        assert!(refusal(flipped).contains(name));
    }
}

/// Opens these files from a new folder on disk.
fn opened_from_disk(files: &[Vec<u8>; 3]) -> Result<TextModel, String> {
    let folder = std::env::temp_dir().join(format!("lockstep-model-folder-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in ["model.lockstep", "tokenizer.json", "lockstep.json"].into_iter().zip(files) {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let opened = TextModel::open_folder(&folder).map_err(|error| error.to_string());
    std::fs::remove_dir_all(&folder).unwrap();
    opened
}

#[test]
fn a_folder_on_disk_is_checked_piece_by_piece() {
    let real = folder::files(&real_model()).unwrap();
    let pieces = |files: &[Vec<u8>; 3]| {
        let value: Value = serde_json::from_slice(&files[2]).unwrap();
        value["pieces"]["model.lockstep"].as_array().map(Vec::len)
    };
    assert_eq!(pieces(&real), Some(real[0].len().div_ceil(1 << 20)));
    assert!(opened_from_disk(&real).is_ok());
    for place in [0, real[0].len() / 2, real[0].len() - 1] {
        let mut flipped = real.clone();
        flipped[0][place] ^= 1;
        let message = opened_from_disk(&flipped).err().unwrap();
        assert!(message.starts_with("model.lockstep (") && message.contains("has SHA-256"), "{message}");
    }
    let mut cut = real.clone();
    cut[0].truncate(3 << 20);
    assert!(opened_from_disk(&cut).err().unwrap().starts_with("model.lockstep (3145728 bytes) has SHA-256"));

    let change = |to: Value| sign(real.clone(), |manifest| manifest["pieces"] = to.clone());
    assert!(opened_from_disk(&change(json!({}))).is_ok());
    let wrong = vec!["0".repeat(64); real[0].len().div_ceil(1 << 20)];
    let message = opened_from_disk(&change(json!({ "model.lockstep": wrong }))).err().unwrap();
    assert!(message.contains("the digests of the pieces of model.lockstep"), "{message}");
}

#[test]
fn a_truncated_model_is_no_trap_even_with_a_right_digest() {
    let whole = files();
    for share in 0..20 {
        let mut cut = whole.clone();
        cut[0].truncate(whole[0].len() * share / 20);
        let message = refusal(sign(cut, |_| {}));
        assert!(message.starts_with("model.lockstep: "), "{message}");
    }
}

/// A checkpoint may have a limit below the number of its positions.
#[test]
fn a_longer_text_loses_what_is_beyond_the_limit() {
    let [model, tokenizer, manifest] = sign(files(), |manifest| manifest["max_input_length"] = json!(20));
    let mut model = TextModel::open(model, &tokenizer, &manifest).unwrap();
    assert_eq!(model.info().max_input_length, 20);
    let encode = |model: &mut TextModel, words: usize| {
        let text = vec!["water"; words].join(" ");
        model.encode(&[Text::single(&text)]).unwrap().remove(0)
    };
    let [whole, cut] = [18, 19].map(|words| encode(&mut model, words));
    assert_eq!((whole.tokens, whole.truncated), (20, false));
    assert_eq!((cut.tokens, cut.truncated, &cut.vector), (20, true, &whole.vector));
}

/// The real checkpoint states 256 tokens, half of its positions.
#[test]
fn the_real_model_cuts_where_its_checkpoint_says() {
    let mut model = TextModel::open_folder(&real_model()).unwrap();
    assert_eq!(model.info().max_input_length, 256);
    let text = "Hello world, ".repeat(3000);
    let encoded = model.encode(&[Text::single(&text[..1100]), Text::single(&text[..1200])]).unwrap();
    assert_eq!((encoded[0].tokens, encoded[0].truncated), (256, false));
    assert_eq!((encoded[1].tokens, encoded[1].truncated), (256, true));
    assert_eq!(model.count_tokens(Text::single(&text[..1200])).unwrap(), 279);
    let first = model.reader().tokenize(Text::single(&text[..1200])).unwrap();
    let whole = model.reader().tokenize(Text::single(&text)).unwrap();
    assert_eq!((&first.ids, first.ids.len()), (&whole.ids, 256));
}

/// As Hugging Face tokenizers have it; 101 is `[CLS]` and 102 is `[SEP]`.
#[test]
fn a_blank_text_has_the_special_tokens() {
    let mut model = TextModel::open_folder(&real_model()).unwrap();
    let mut vectors = Vec::new();
    for text in ["", " ", "\t\r\n", "\u{a0}\u{3000}", "\u{200b}\u{feff}", "\0", "\u{fffd}", "\u{301}"] {
        let encoding = model.reader().tokenize(Text::single(text)).unwrap();
        assert_eq!((encoding.ids.as_slice(), encoding.truncated), (&[101, 102][..], false), "{text:?}");
        let pair = model.reader().tokenize(Text::pair(text, text)).unwrap();
        assert_eq!((pair.ids.as_slice(), pair.type_ids.as_slice()), (&[101, 102, 102][..], &[0, 0, 1][..]));
        vectors.extend(model.encode(&[Text::single(text)]).unwrap());
    }
    assert!(vectors.iter().all(|one| one == &vectors[0] && one.vector.iter().any(|&number| number != 0)));
}

/// 7592 is `hello` and 2088 is `world`. Nothing is added to ids.
#[test]
fn token_ids_are_the_whole_input() {
    let mut model = TextModel::open_folder(&real_model()).unwrap();
    let ids = [101, 7592, 2088, 102].repeat(65);
    let inputs = [
        Text::single("Hello world"),
        Text::Ids(&ids[..4]),
        Text::Ids(&ids[1..3]),
        Text::Ids(&ids[..256]),
        Text::Ids(&ids),
    ];
    let encoded = model.encode(&inputs).unwrap();
    assert_eq!(encoded[1], encoded[0]);
    assert_eq!(encoded[2].tokens, 2);
    assert_ne!(encoded[2].vector, encoded[0].vector);
    assert_eq!(
        (encoded[4].tokens, encoded[4].truncated, &encoded[4].vector),
        (256, true, &encoded[3].vector)
    );
    assert_eq!(model.count_tokens(Text::Ids(&ids)).unwrap(), 260);
    assert_eq!(model.info().vocabulary, 30_522);
}

/// An engine reads each file once. A deployment that copies over an open folder must change neither
/// an answer under the old digest nor end the process.
#[test]
fn a_folder_that_changes_under_an_engine_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in ["model.lockstep", "tokenizer.json", "lockstep.json"].iter().zip(files()) {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut model = TextModel::open_folder(folder.path()).unwrap();
    let mut answer = || model.encode(&[Text::single("the bank of the river")]).unwrap()[0].vector.clone();
    let before = answer();
    let path = folder.path().join("model.lockstep");
    let bytes = std::fs::read(&path).unwrap();
    // In place, as `cp` writes: the file stays the same one.
    std::fs::write(&path, vec![0x55; bytes.len()]).unwrap();
    assert_eq!(answer(), before);
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(64).unwrap();
    assert_eq!(answer(), before);
}

#[test]
fn prompts_of_the_manifest_reach_the_service() {
    let [model, tokenizer, manifest] = sign(files(), |manifest| {
        manifest["prompts"] = json!({"query": "the bank ", "passage": ""});
        manifest["default_prompt"] = json!("query");
    });
    let prompted = TextModel::open(model, &tokenizer, &manifest).unwrap();
    let prompts = &prompted.info().prompts;
    assert_eq!((prompts.any(), prompts.query(), prompts.document()), ("the bank ", "the bank ", ""));
    let [model, tokenizer, manifest] = sign(files(), |_| {});
    let plain = TextModel::open(model, &tokenizer, &manifest).unwrap();
    assert_ne!(plain.info().model_digest, prompted.info().model_digest);
}

#[test]
fn a_manifest_that_does_not_fit_is_named() {
    let cases: [(&str, Value, &str); 5] = [
        ("format", json!(7), "format is 7"),
        ("hidden_size", json!(96), "the number of outputs is 64 in model.lockstep, 96 in lockstep.json"),
        (
            "max_input_length",
            json!(512),
            "the longest sequence is 128 in model.lockstep, 512 in lockstep.json",
        ),
        ("vector_unit", json!(null), "vector_unit is missing"),
        ("digests", json!({}), "no digest of model.lockstep"),
    ];
    for (field, value, named) in cases {
        let message = refusal(sign(files(), |manifest| manifest[field] = value.clone()));
        assert!(message.contains(named), "{message} does not name {named}");
    }
    let [model, tokenizer, _] = files();
    assert!(refusal([model, tokenizer, b"{".to_vec()]).starts_with("lockstep.json: "));
}

#[test]
fn a_tokenizer_of_another_vocabulary_is_refused() {
    let mut all = files();
    let mut tokenizer: Value = serde_json::from_slice(&all[1]).unwrap();
    let vocabulary = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    let size = vocabulary.len();
    vocabulary.insert("##unheard".into(), json!(size));
    all[1] = serde_json::to_vec(&tokenizer).unwrap();
    let message = refusal(sign(all, |_| {}));
    assert_eq!(
        message,
        format!("the vocabulary is {} in tokenizer.json, {size} in model.lockstep", size + 1)
    );
}
