//! Promises about the sources: where `unsafe` is, and which code computes which equation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lockstep_house::files::{all, kind, read};
use lockstep_house::markdown::table;

fn rust() -> Vec<PathBuf> {
    all().into_iter().filter(|file| kind(file) == "rs").collect()
}

#[test]
fn unsafe_code_is_only_in_the_files_that_are_listed() {
    let marker = ["allow(", "unsafe_code"].concat();
    let found: BTreeSet<String> =
        rust().iter().filter(|f| read(f).contains(&marker)).map(|f| f.display().to_string()).collect();
    let document = read(Path::new("ARCHITECTURE.md"));
    let rows = table(&document, "| file with `unsafe` | why |");
    let listed: BTreeSet<String> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(found, listed);
}

#[test]
fn every_equation_is_cited_where_it_is_computed() {
    let spec = read(Path::new("wasm-module/arith/SPEC.md"));
    let sources: String =
        rust().iter().filter(|f| f.starts_with("wasm-module/arith/src")).map(|f| read(f)).collect();
    let cited = |n: usize| {
        sources.contains(&format!("({n})"))
            // A range such as "(12) to (17)" cites what lies between.
            || (1..n).any(|a| (n + 1..=36).any(|b| sources.contains(&format!("({a}) to ({b})"))))
    };
    for n in 1..=36 {
        assert!(spec.contains(&format!("({n})")), "SPEC.md has no equation ({n})");
        assert!(cited(n), "no code cites equation ({n})");
    }
}
