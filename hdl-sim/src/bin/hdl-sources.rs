//! `hdl-sources [MODULE]…`: the files that modules are made of, in an order for tools that read one
//! after the other; with no module, the names of all modules of the design.

use std::process::ExitCode;

use lockstep_hdl_sim::{Error, sources};

fn main() -> ExitCode {
    let modules: Vec<String> = std::env::args().skip(1).collect();
    match list(&modules) {
        Ok(lines) => {
            lines.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}

fn list(modules: &[String]) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    if modules.is_empty() {
        for file in sources::all()? {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if !name.ends_with("_pkg") && file.extension().is_some_and(|e| e == "sv") {
                lines.push(name);
            }
        }
    }
    for module in modules {
        for file in sources::of(module)? {
            let line = file.display().to_string();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    Ok(lines)
}
