//! The comments of a source file, line by line.

/// A line of a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What stands outside comments.
    pub code: String,
    /// What stands in comments, with the marks that begin them; empty if there is no comment.
    pub comment: String,
}

/// The endings of files that [`lines`] reads.
pub const KINDS: [&str; 17] = [
    "rs", "sv", "ts", "mjs", "js", "cpp", "css", "wit", "wat", "vlt", "py", "sh", "toml", "mk", "yml", "run",
    "Makefile",
];

/// How a language writes comments and strings.
struct Language {
    /// The mark of a comment that ends with its line.
    line: &'static str,
    /// The marks around a comment of several lines.
    block: Option<(&'static str, &'static str)>,
    /// Strings that may go on over the end of a line.
    long: &'static [&'static str],
    /// Strings that end with their line at the latest.
    short: &'static [char],
}

fn language(kind: &str) -> Language {
    let slashes = |long, short| Language { line: "//", block: Some(("/*", "*/")), long, short };
    match kind {
        "rs" => slashes(&["\""], &[]),
        "ts" | "mjs" | "js" => slashes(&["`"], &['"', '\'']),
        "css" => Language { line: "\0", block: Some(("/*", "*/")), long: &[], short: &['"', '\''] },
        "wat" => Language { line: ";;", block: None, long: &[], short: &['"'] },
        "py" => Language { line: "#", block: None, long: &["\"\"\"", "'''"], short: &['"', '\''] },
        "sh" | "run" | "toml" | "mk" | "yml" | "Makefile" => {
            Language { line: "#", block: None, long: &["\"\"\""], short: &['"', '\''] }
        }
        _ => slashes(&[], &['"']),
    }
}

/// What the text at hand is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    /// A comment, until this mark.
    Block(&'static str),
    /// A string, until this mark.
    String(&'static str),
    /// A Rust string without escapes, until a quote and as many `#`.
    Raw(usize),
    /// A Python string that stands alone: documentation.
    Doc(&'static str),
}

/// Splits a file of a kind of [`KINDS`] into code and comments.
///
/// A Python string between three quotes that begins a line counts as a comment.
#[must_use]
pub fn lines(kind: &str, text: &str) -> Vec<Line> {
    let language = language(kind);
    let mut inside = Inside::Code;
    text.lines()
        .map(|line| {
            let mut split = Line::default();
            let mut rest = line;
            while !rest.is_empty() {
                let (length, comment, next) = piece(&language, kind, rest, &split, inside);
                let part = if comment { &mut split.comment } else { &mut split.code };
                part.push_str(&rest[..length]);
                rest = &rest[length..];
                inside = next;
            }
            split
        })
        .collect()
}

/// The length of the next piece of a line, whether it is comment, and what follows it.
fn piece(
    language: &Language,
    kind: &str,
    rest: &str,
    before: &Line,
    inside: Inside,
) -> (usize, bool, Inside) {
    let until = |mark: &str| rest.find(mark).map(|at| at + mark.len());
    match inside {
        Inside::Block(end) => match until(end) {
            Some(length) => (length, true, Inside::Code),
            None => (rest.len(), true, inside),
        },
        Inside::Doc(end) => match until(end) {
            Some(length) => (length, true, Inside::Code),
            None => (rest.len(), true, inside),
        },
        Inside::Raw(marks) => match until(&format!("\"{}", "#".repeat(marks))) {
            Some(length) => (length, false, Inside::Code),
            None => (rest.len(), false, inside),
        },
        Inside::String(end) => match string_end(rest, end) {
            Some(length) => (length, false, Inside::Code),
            None => (rest.len(), false, inside),
        },
        Inside::Code => code(language, kind, rest, before),
    }
}

fn code(language: &Language, kind: &str, rest: &str, before: &Line) -> (usize, bool, Inside) {
    let first = rest.chars().next().unwrap_or_default();
    if rest.starts_with(language.line) && begins_comment(language, before) {
        return (rest.len(), true, Inside::Code);
    }
    if let Some((begin, end)) = language.block.filter(|(begin, _)| rest.starts_with(begin)) {
        return (begin.len(), true, Inside::Block(end));
    }
    if kind == "rs" {
        if let Some(length) = raw_string(rest, before) {
            return (length, false, Inside::Raw(length - 2));
        }
        if let Some(length) = character(rest) {
            return (length, false, Inside::Code);
        }
    }
    if let Some(mark) = language.long.iter().find(|mark| rest.starts_with(**mark)) {
        let alone = kind == "py" && before.code.trim().is_empty();
        let next = if alone { Inside::Doc(mark) } else { Inside::String(mark) };
        return (mark.len(), alone, next);
    }
    if language.short.contains(&first) {
        let length = string_end(&rest[1..], &rest[..1]).map_or(rest.len(), |length| length + 1);
        return (length, false, Inside::Code);
    }
    (first.len_utf8(), false, Inside::Code)
}

/// `#` begins a comment only after a space: not in `${#name}` or `$#`.
fn begins_comment(language: &Language, before: &Line) -> bool {
    language.line != "#" || before.code.is_empty() || before.code.ends_with([' ', '\t', ';'])
}

/// The length up to the end of a string, escapes passed over.
fn string_end(rest: &str, end: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        if !escaped && rest[at..].starts_with(end) {
            return Some(at + end.len());
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// The length of `r"` or `r##"`; the number of `#` is two less.
fn raw_string(rest: &str, before: &Line) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let marks = after.chars().take_while(|c| *c == '#').count();
    let is_name = before.code.ends_with(|c: char| c.is_alphanumeric() && c != 'b' || c == '_');
    (after[marks..].starts_with('"') && !is_name).then_some(marks + 2)
}

/// The length of a character such as `'"'` or `'\''`; none for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('\'')?;
    let first = after.chars().next()?;
    if first == '\\' {
        return after[2..].find('\'').map(|at| at + 4);
    }
    after[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn comments(kind: &str, text: &str) -> Vec<String> {
        lines(kind, text).into_iter().map(|line| line.comment).collect()
    }

    #[test]
    fn comments_are_told_from_strings() {
        let rust = "let a = \"// no\"; // yes\nlet b = '\"'; /* 1\n2 */ let c = r#\"\n// no\"#; // 3";
        assert_eq!(comments("rs", rust), ["// yes", "/* 1", "2 */", "// 3"]);
        assert_eq!(comments("rs", "fn f<'a>(x: &'a str) {} // 'yes'"), ["// 'yes'"]);
        assert_eq!(comments("ts", "const u = 'http://x'; // yes\n`\n// no`"), ["// yes", "", ""]);
        assert_eq!(comments("sv", "assign x = 4'hF; // yes"), ["// yes"]);
        assert_eq!(comments("sh", "n=${#list} # yes\necho '# no'"), ["# yes", ""]);
        assert_eq!(
            comments("py", "\"\"\"Doc\nmore\"\"\"\nx = \"#\"  # yes"),
            ["\"\"\"Doc", "more\"\"\"", "# yes"]
        );
    }
}
