//! `spin-host COMPONENT.wasm [NAME=VALUE…]`: serves a component as Spin does, until it is stopped.
//!
//! The first line on stdout is the server's address.
#![allow(clippy::print_stdout)]

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use lockstep_tests_spin::{Component, Server, Settings};

/// Serves a Spin component until it is stopped
#[derive(Parser)]
struct Arguments {
    /// The component, with a model open in it
    component: PathBuf,
    /// A variable of the application
    #[arg(value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a variable is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spin-host: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn serve(arguments: Arguments) -> wasmtime::Result<()> {
    let component = Component::from_file(&arguments.component)?;
    let variables = arguments.variables.into_iter().collect();
    let server = Server::start(&component, Settings { variables, ..Settings::default() }).await?;
    println!("http://{}", server.address);
    tokio::signal::ctrl_c().await?;
    Ok(())
}
