//! No line of a document or with a comment is longer than 100 columns.

use lockstep_house::comments::KINDS;
use lockstep_house::files::{all, kind, read};
use lockstep_house::markdown::{WIDTH, long_lines};

#[test]
fn lines_of_documents_and_comments_fit_into_100_columns() {
    let mut long = Vec::new();
    for file in all() {
        let kind = kind(&file);
        if kind == "md" || KINDS.contains(&kind) {
            let lines = long_lines(kind, &read(&file));
            long.extend(lines.iter().map(|line| format!("{}:{line}", file.display())));
        }
    }
    assert!(long.is_empty(), "more than {WIDTH} columns:\n{}", long.join("\n"));
}
