//! `spin-host COMPONENT.wasm [NAME=VALUE…]`: serves a component as Spin does, with the application's variables, until it is stopped.
//!
//! The first line on stdout is where it listens.
#![allow(clippy::print_stdout)]

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use lockstep_tests_spin::{Component, Server, Settings};

const USAGE: &str = "usage: spin-host COMPONENT.wasm [NAME=VALUE…]";

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spin-host: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn serve() -> wasmtime::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let component = arguments.next().ok_or_else(|| wasmtime::Error::msg(USAGE))?;
    let mut variables = BTreeMap::new();
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or_else(|| {
            wasmtime::Error::msg(format!("{argument:?}: a variable is NAME=VALUE; {USAGE}"))
        })?;
        variables.insert(name.to_owned(), value.to_owned());
    }
    let component = Component::from_file(Path::new(&component))?;
    let server = Server::start(&component, Settings { variables, ..Settings::default() }).await?;
    println!("http://{}", server.address);
    tokio::signal::ctrl_c().await?;
    Ok(())
}
