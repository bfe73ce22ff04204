//! Documents in Markdown: links, paths between back-ticks, and the width of lines.

use crate::comments;

/// The most columns of a line of a document or of a line with a comment.
pub const WIDTH: usize = 100;

/// Endings of the sources of this repository. A path with another ending may be a file of a user.
const ENDINGS: [&str; 16] = [
    "rs", "sv", "md", "ts", "mjs", "js", "py", "sh", "toml", "mk", "txt", "html", "css", "svg", "cpp", "wit",
];

/// The targets of links to other files: `[text](target)`, without `#section`.
#[must_use]
pub fn links(document: &str) -> Vec<String> {
    let text = outside_blocks(document);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files.map(|target| target.split('#').next().unwrap_or_default().to_owned()).collect()
}

/// The paths between back-ticks, such as `edge-host/src/http.rs`, `http.rs` or `rtl/{a,b}.sv`.
///
/// Text between back-ticks is a path if it consists of letters, digits and `_-./{},*` and
/// - contains a `/` and begins with one of the top folders, ends with `/`, or has one of the
///   endings of this repository's sources;
/// - or contains no `/` and has such an ending.
///
/// Routes (`/v1/rank`), hidden folders (`.cache/…`) and `target/…` are no such paths. `{a,b}` gives
/// a path for each choice.
#[must_use]
pub fn paths(document: &str, top_folders: &[String]) -> Vec<String> {
    let text = outside_blocks(document);
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter(|span| is_path(span, top_folders)).flat_map(choices).collect()
}

fn is_path(span: &str, top_folders: &[String]) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-./{},*".contains(c);
    if span.is_empty() || !span.chars().all(allowed) || span.starts_with(['/', '.', '-', '*']) {
        return false;
    }
    let (first, rest) = span.split_once('/').unwrap_or((span, ""));
    let known = span.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && ENDINGS.contains(&end));
    let top = !rest.is_empty() && top_folders.iter().any(|folder| folder == first);
    first != "target" && (known || top || span.ends_with('/'))
}

/// `a/{b,c}.rs` as `a/b.rs` and `a/c.rs`.
fn choices(span: &str) -> Vec<String> {
    let parts = span.split_once('{').and_then(|(before, rest)| {
        let (inner, after) = rest.split_once('}')?;
        Some((before, inner, after))
    });
    let Some((before, inner, after)) = parts else { return vec![span.to_owned()] };
    inner.split(',').flat_map(|choice| choices(&format!("{before}{choice}{after}"))).collect()
}

/// Whether a path ends with these parts, in which `*` stands for any text inside a part.
#[must_use]
pub fn ends_with(path: &str, named: &str) -> bool {
    let named: Vec<&str> = named.trim_end_matches('/').split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    let end = path.len().checked_sub(named.len()).map(|start| &path[start..]);
    end.is_some_and(|end| end.iter().zip(&named).all(|(part, named)| matches(part, named)))
}

fn matches(part: &str, named: &str) -> bool {
    let Some((before, after)) = named.split_once('*') else { return part == named };
    let enough = part.len() >= before.len() + after.len();
    enough && part.starts_with(before) && part.ends_with(after)
}

/// The document without the lines of its code blocks.
fn outside_blocks(document: &str) -> String {
    let mut block = false;
    let lines = document.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        block ^= fence;
        !block && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The first code block of a document.
#[must_use]
pub fn first_block(document: &str) -> &str {
    let block = document.split("```").nth(1).unwrap_or_default();
    block.split_once('\n').map_or("", |(_, lines)| lines)
}

/// The rows of the table with this header line: the texts of their cells.
#[must_use]
pub fn table<'a>(document: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let rows = document.lines().skip_while(|line| *line != header).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The numbers of the lines that are too long: in documents all lines but those of tables, in
/// sources those that end in a comment. Targets of links and URLs are not counted.
#[must_use]
pub fn long_lines(kind: &str, text: &str) -> Vec<usize> {
    let long = |line: &str| line.chars().count() - addresses(line) > WIDTH;
    let numbered = text.lines().enumerate();
    if kind == "md" {
        let lines = numbered.filter(|(_, line)| long(line) && !line.trim_start().starts_with('|'));
        return lines.map(|(number, _)| number + 1).collect();
    }
    let comments = comments::lines(kind, text);
    let commented = numbered.zip(&comments).filter(|((_, line), split)| {
        let table = split.comment.trim_start_matches(['/', '!', ' ', '#', '*']).starts_with('|');
        !split.comment.is_empty() && line.ends_with(&split.comment) && long(line) && !table
    });
    commented.map(|((number, _), _)| number + 1).collect()
}

/// The characters of a line that belong to targets of links and to URLs.
fn addresses(line: &str) -> usize {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let outside = line.split("](").enumerate().map(|(i, part)| match part.split_once(')') {
        Some((_, after)) if i > 0 => after,
        _ => part,
    });
    let urls = outside.flat_map(str::split_whitespace).filter(|word| word.contains("://"));
    targets.chain(urls).map(|address| address.chars().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::{ends_with, links, long_lines, paths, table};

    #[test]
    fn paths_are_told_from_other_code() {
        let document = "See `edge-host/src`, `http.rs`, `a/{b,c}.sv`, `web/`; not `/v1/rank`, `a + b`, \
                        `application/json`, `target/x.rs`, `.cache/x.md` or `model.onnx`.\n```\n`no.rs`\n```";
        let found = paths(document, &["edge-host".to_owned()]);
        assert_eq!(found, ["edge-host/src", "http.rs", "a/b.sv", "a/c.sv", "web/"]);
    }

    #[test]
    fn a_path_may_be_named_by_its_end() {
        assert!(ends_with("edge-host/src/http.rs", "src/http.rs"));
        assert!(ends_with("hdl-sim/rtl/cells/ls_ram.sv", "rtl/*/ls_*.sv"));
        assert!(!ends_with("edge-host/src/http.rs", "p.rs"));
        assert!(!ends_with("http.rs", "src/http.rs"));
    }

    #[test]
    fn links_and_tables_are_read() {
        assert_eq!(links("[a](b.md#c) [d](https://e) [f](#g)"), ["b.md"]);
        assert_eq!(table("x\n| a | b |\n|---|---|\n| 1 | `2` |\n\n| 3 |", "| a | b |"), [["1", "`2`"]]);
    }

    #[test]
    fn long_lines_are_found() {
        let words = "word ".repeat(21);
        let document = format!("{words}\n| {words}\n[a](https://{})\n", "x".repeat(100));
        assert_eq!(long_lines("md", &document), [1]);
        assert_eq!(long_lines("rs", &format!("// {words}\nlet a = \"{words}\";\n/// | {words}")), [1]);
        assert_eq!(long_lines("sh", &format!("a=1 # {words}\n")), [1]);
    }
}
