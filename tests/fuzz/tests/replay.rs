//! Every target with its seeds, its findings and random scripts.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use lockstep_arith::sample::Random;
use lockstep_fuzz::{TARGETS, Target};

/// Changed seeds that each target gets.
const CHANGED: usize = 2_000;

/// Inputs with which `make fuzz` found a mistake, as hexadecimal text.
fn findings(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings").join(target.name);
    let Ok(files) = std::fs::read_dir(&folder) else { return Vec::new() };
    let bytes = |path: &Path| {
        let text: String = std::fs::read_to_string(path).unwrap().split_whitespace().collect();
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    };
    files.map(|file| bytes(&file.unwrap().path())).collect()
}

/// A seed with some bytes changed, or cut, or continued by another seed.
fn changed(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut below = |n: usize| random.within(0, n as i32 - 1) as usize;
    let mut bytes = seeds[below(seeds.len())].clone();
    match below(8) {
        0 => bytes.truncate(below(bytes.len() + 1)),
        1 => bytes.extend(&seeds[below(seeds.len())]),
        _ => {}
    }
    for _ in 0..=below(6) {
        let at = below(bytes.len().max(1));
        let value = [below(256) as u8, 0, 255][below(3)];
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
    }
    bytes
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    let accepted = seeds.iter().filter(|seed| (target.run)(seed)).count();
    assert!(accepted > seeds.len() / 8, "{accepted} of {} seeds are accepted", seeds.len());
    for finding in findings(target) {
        (target.run)(&finding);
    }
    let mut random = Random::new(1);
    let accepted = (0..CHANGED).filter(|_| (target.run)(&changed(&seeds, &mut random))).count();
    assert!(accepted > CHANGED / 50, "{accepted} of {CHANGED} changed seeds are accepted");
}

/// A test for each target.
macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_has_a_test_and_a_file() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/fuzz_targets");
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
            let mut files: Vec<String> =
                files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
            files.sort();
            assert_eq!(files, names);
        }
    };
}

replays! { checkpoint client descriptors dma driver manifest onnx_file program requests runtime_file server tokenizer vector_pack }
