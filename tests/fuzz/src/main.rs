//! Writes the seeds of a target, and replays inputs.

use std::path::Path;
use std::process::ExitCode;

use lockstep_fuzz::{TARGETS, Target};

const USAGE: &str = "usage: lockstep-fuzz targets | seeds TARGET FOLDER | replay TARGET FILE...";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lockstep-fuzz: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["targets"] => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            Ok(())
        }
        ["seeds", name, folder] => write_seeds(named(name)?, Path::new(folder)),
        ["replay", name, files @ ..] => {
            let target = named(name)?;
            for file in files {
                let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
                let read = if (target.run)(&bytes) { "accepted" } else { "refused" };
                println!("{file}: {read}");
            }
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn named(name: &str) -> Result<&'static Target, String> {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let found = TARGETS.iter().find(|target| target.name == name);
    found.ok_or_else(|| format!("there is no target {name}; there are {}", names.join(", ")))
}

fn write_seeds(target: &Target, folder: &Path) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (i, seed) in (target.seeds)().iter().enumerate() {
        let path = folder.join(format!("seed-{i:03}"));
        std::fs::write(&path, seed).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
