//! Small crates with a circle planted, which the reader of modules must find.

use std::path::{Path, PathBuf};

use lockstep_house::rust::uses;

/// The circles of a crate whose files are given; the first is its root.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let read = |path: &Path| {
        let file = files.iter().find(|(name, _)| Path::new(name) == path);
        file.map(|(_, text)| (*text).to_owned())
    };
    let graph = uses(&PathBuf::from(files[0].0), &read);
    graph.circles().iter().map(|c| c.nodes.iter().cloned().collect::<Vec<_>>().join(" ")).collect()
}

const ROOT: (&str, &str) = ("src/lib.rs", "mod a; mod b; mod c;");

#[test]
fn levels_have_no_circle() {
    let a = ("src/a.rs", "use crate::b::{B, self}; pub struct A(B); fn f() { b::g() }");
    let b = ("src/b.rs", "pub struct B(super::c::C); pub fn g() {}");
    assert!(circles(&[ROOT, a, b, ("src/c.rs", "pub struct C;")]).is_empty());
}

#[test]
fn two_files_that_use_each_other() {
    let a = ("src/a.rs", "use crate::b::B; pub struct A(B);");
    let b = ("src/b.rs", "pub struct B; impl B { fn f() -> super::a::A { todo!() } }");
    assert_eq!(circles(&[ROOT, a, b, ("src/c.rs", "")]), ["src/a.rs src/b.rs"]);
}

#[test]
fn three_files_through_inline_paths_and_macros() {
    let a = ("src/a.rs", "pub fn f() { crate::b::f() }");
    let b = ("src/b.rs", "pub fn f() { println!(\"{}\", 1 + super::c::N) }");
    let c = ("src/c.rs", "use super::a; pub const N: u32 = 1; fn g() { if true { a::f() } }");
    assert_eq!(circles(&[ROOT, a, b, c]), ["src/a.rs src/b.rs src/c.rs"]);
}

#[test]
fn a_circle_through_re_exports() {
    let root = ("src/lib.rs", "mod a; mod b; pub use a::A; pub use b::inner::*;");
    let a = ("src/a.rs", "pub struct A(crate::Deep);");
    let b = ("src/b/mod.rs", "pub mod inner;");
    let inner = ("src/b/inner.rs", "use crate::{A as Other}; pub struct Deep(Other);");
    assert_eq!(circles(&[root, a, b, inner]), ["src/a.rs src/b/inner.rs"]);
}

#[test]
fn a_child_that_uses_what_its_parent_defines() {
    let root = |uses: &'static str| ("src/lib.rs", uses);
    let child = ("src/child.rs", "use super::*; pub fn f(_: Thing) {}");
    let parent = root("mod child; pub use child::f; pub struct Thing;");
    assert!(circles(&[parent, child]).is_empty(), "a re-export is no use");
    let parent = root("mod child; pub struct Thing; fn g() { child::f(Thing) }");
    assert_eq!(circles(&[parent, child]), ["src/child.rs src/lib.rs"]);
    let parent = root("mod child; pub struct Thing; use child::f;");
    assert_eq!(circles(&[parent, child]), ["src/child.rs src/lib.rs"]);
}

#[test]
fn macros_and_attributes_count() {
    let root = ("src/lib.rs", "macro_rules! m { () => { $crate::a::f() } } mod a;");
    assert_eq!(circles(&[root, ("src/a.rs", "pub fn f() { m!() }")]), ["src/a.rs src/lib.rs"]);
    let a = ("src/a.rs", "#[derive(Serialize)] pub struct A { #[serde(with = \"crate::b\")] x: u32 }");
    let with = ("src/a.rs", "pub struct A { #[serde(with = \"crate::b::f\")] x: u32 }");
    let b = ("src/b.rs", "pub fn f(_: super::a::A) {}");
    assert!(circles(&[ROOT, a, b, ("src/c.rs", "")]).is_empty(), "a module alone is no item");
    assert_eq!(circles(&[ROOT, with, b, ("src/c.rs", "")]), ["src/a.rs src/b.rs"]);
}

#[test]
fn tests_do_not_count() {
    let a = ("src/a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }");
    let b = ("src/b.rs", "pub struct B(crate::a::A);");
    assert!(circles(&[ROOT, a, b, ("src/c.rs", "")]).is_empty());
    let outside = ("src/a.rs", "pub struct A; #[cfg(not(test))] mod inner { use crate::b::B; }");
    assert_eq!(circles(&[ROOT, outside, b, ("src/c.rs", "")]), ["src/a.rs src/b.rs"]);
}

#[test]
fn files_are_found_as_the_compiler_finds_them() {
    let root = ("src/lib.rs", "mod x { pub mod y; } #[path = \"odd/z.rs\"] mod z;");
    let y = ("src/x/y.rs", "pub fn f() { crate::z::w::g() }");
    let z = ("src/odd/z.rs", "pub mod w;");
    let w = ("src/odd/w.rs", "pub fn g() { crate::x::y::f() }");
    assert_eq!(circles(&[root, y, z, w]), ["src/odd/w.rs src/x/y.rs"]);
}
