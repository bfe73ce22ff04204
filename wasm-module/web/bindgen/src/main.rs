//! `bindgen MODULE.wasm FOLDER NAME`: writes `NAME.js` and `NAME_bg.wasm` of a browser module.
//!
//! This is the library behind wasm-bindgen's command. So Cargo.lock fixes its version, and nobody
//! has to install a program.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use wasm_bindgen_cli_support::Bindgen;

/// Writes NAME.js and NAME_bg.wasm of a browser module
#[derive(Parser)]
struct Arguments {
    /// The module that the compiler wrote
    #[arg(value_name = "MODULE.wasm")]
    module: PathBuf,
    /// Folder to write to
    folder: PathBuf,
    /// Name of the files
    name: String,
}

fn main() -> ExitCode {
    let Arguments { module, folder, name } = Arguments::parse();
    let mut bindgen = Bindgen::new();
    let written = bindgen.web(true).and_then(|bindgen| {
        bindgen
            .input_path(&module)
            .out_name(&name)
            .typescript(true)
            .omit_default_module_path(true)
            .generate(folder)
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bindgen: {}: {error:#}", module.display());
            ExitCode::FAILURE
        }
    }
}
