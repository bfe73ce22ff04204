//! `completions` and `man`: generated from the command line's own description.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::output::{Output, Stop};
use crate::problem::Problem;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The folder for the pages, which must exist. Without it, the main page is printed.
    folder: Option<PathBuf>,
}

pub(crate) fn completions(
    arguments: &CompletionsArguments,
    mut command: Command,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "lockstep-lab", &mut text);
    output.text(String::from_utf8_lossy(&text))
}

pub(crate) fn man(arguments: &ManArguments, command: Command, output: &mut Output<'_>) -> Result<(), Stop> {
    match &arguments.folder {
        Some(folder) => {
            clap_mangen::generate_to(command, folder).map_err(|error| Problem::file(folder, error))?;
            Ok(())
        }
        None => {
            let mut text = Vec::new();
            Man::new(command)
                .render(&mut text)
                .map_err(|error| Problem::new(error, "report this mistake"))?;
            output.text(String::from_utf8_lossy(&text))
        }
    }
}
