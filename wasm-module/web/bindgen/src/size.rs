//! `size NAMED.wasm SHIPPED.wasm`: prints the size of a module's code by crate.
//!
//! Both files are the same module; only the first still has the names of its functions. A generic
//! function counts for the crate that defines it. The last line gives the size of the second file,
//! raw and compressed by brotli at its highest level.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser as _;
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// How many crates have a row of their own.
const ROWS: usize = 20;

/// Prints the size of a module's code by crate
#[derive(clap::Parser)]
struct Arguments {
    /// The module with the names of its functions
    #[arg(value_name = "NAMED.wasm")]
    named: PathBuf,
    /// The module without the names, as it is shipped
    #[arg(value_name = "SHIPPED.wasm")]
    shipped: PathBuf,
}

fn main() -> ExitCode {
    let Arguments { named, shipped } = Arguments::parse();
    match print(&named, &shipped) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("size: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print(named: &Path, shipped: &Path) -> Result<(), Box<dyn Error>> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (named, shipped) = (read(named)?, read(shipped)?);
    let (crates, data) = by_crate(&named)?;
    let code: usize = crates.values().map(|&(bytes, _)| bytes).sum();
    let mut rows: Vec<_> = crates.into_iter().collect();
    rows.sort_by_key(|&(_, (bytes, _))| std::cmp::Reverse(bytes));
    println!("| crate | bytes of code | functions | share |\n|---|---|---|---|");
    let row = |name: &str, bytes: usize, functions: usize| {
        println!("| {name} | {bytes} | {functions} | {:.1} % |", 100.0 * bytes as f64 / code as f64);
    };
    for (name, (bytes, functions)) in rows.iter().take(ROWS) {
        row(name, *bytes, *functions);
    }
    let rest = rows.iter().skip(ROWS).fold((0, 0), |sum, (_, (b, f))| (sum.0 + b, sum.1 + f));
    row("others", rest.0, rest.1);
    println!("\ncode {code} bytes, data {data} bytes");

    let mut packed = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 24);
    packed.write_all(&shipped)?;
    println!("module {} bytes, {} by brotli", shipped.len(), packed.into_inner().len());
    Ok(())
}

/// Bytes of code and number of functions, by crate.
type Crates = BTreeMap<String, (usize, usize)>;

/// The code by crate, and the bytes of data.
fn by_crate(wasm: &[u8]) -> Result<(Crates, usize), Box<dyn Error>> {
    let (mut imported, mut data, mut bodies, mut names) = (0, 0, Vec::new(), BTreeMap::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
            Payload::DataSection(section) => data += section.range().len(),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(sections) = section.as_known() {
                    for section in sections {
                        if let Name::Function(functions) = section? {
                            for function in functions {
                                let function = function?;
                                names.insert(function.index as usize, function.name);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    if names.is_empty() {
        return Err("the first module has no names".into());
    }
    let mut crates = Crates::new();
    for (index, bytes) in bodies.into_iter().enumerate() {
        let name = names.get(&(imported + index)).copied().unwrap_or_default();
        let sum = crates.entry(crate_of(name)).or_default();
        *sum = (sum.0 + bytes, sum.1 + 1);
    }
    Ok((crates, data))
}

/// The crate of a function: the first path of its demangled name.
fn crate_of(name: &str) -> String {
    let readable = format!("{:#}", rustc_demangle::demangle(name));
    if !readable.contains("::") {
        return "no crate".into();
    }
    // In `<&mut [T] as a::B>::c` the first path is `a::B`. A word without `::` before it is a type
    // parameter or a primitive type.
    let paths = readable.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let first =
        paths.filter_map(|path| path.split_once("::")).map(|(first, _)| first).find(|f| !f.is_empty());
    first.unwrap_or("no crate").to_owned()
}

#[cfg(test)]
mod tests {
    use super::crate_of;

    #[test]
    fn crates_of_names() {
        for (name, expected) in [
            ("_ZN13lockstep_rank7service7Service6handle17h0123456789abcdefE", "lockstep_rank"),
            ("_ZN4core3fmt5write17h0123456789abcdefE", "core"),
            (
                "_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE",
                "alloc",
            ),
            ("_ZN52_$LT$$RF$mut$u20$T$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE", "core"),
            ("memcpy", "no crate"),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }
}
