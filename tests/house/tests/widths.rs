//! No line of a document or with a comment is longer than 100 columns.

use std::collections::BTreeMap;

use lockstep_house::comments::KINDS;
use lockstep_house::files::{all, kind, read, top_folder};
use lockstep_house::markdown::{WIDTH, long_lines};

/// Long lines that a top folder may still have. A folder without any must not be listed.
const ALLOWED: [(&str, usize); 1] = [("wasm-module", 30)];

#[test]
fn lines_of_documents_and_comments_fit_into_100_columns() {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for file in all() {
        let kind = kind(&file);
        if kind == "md" || KINDS.contains(&kind) {
            for line in long_lines(kind, &read(&file)) {
                println!("{}:{line}: more than {WIDTH} columns", file.display());
                *found.entry(top_folder(&file).to_owned()).or_default() += 1;
            }
        }
    }
    let allowed: BTreeMap<String, usize> = ALLOWED.iter().map(|(f, n)| ((*f).to_owned(), *n)).collect();
    for (folder, count) in &found {
        let limit = allowed.get(folder).copied().unwrap_or(0);
        assert!(*count <= limit, "{folder}: {count} long lines, {limit} allowed; all: {found:?}");
    }
    let mended: Vec<&String> = allowed.keys().filter(|folder| !found.contains_key(*folder)).collect();
    assert!(mended.is_empty(), "no long line is left: delete the lines of the list: {mended:?}");
}
