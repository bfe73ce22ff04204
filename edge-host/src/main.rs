//! `edge-host`: see `edge-host --help`.
//!
//! Exit codes: 0 after a shutdown by a signal, 1 if the daemon cannot go on, 2 if the command line
//! or a file or folder that it names is wrong.
#![warn(clippy::print_stderr, clippy::print_stdout, reason = "they panic and block; use `log::line`")]

use std::{io::Write, process::ExitCode};

use lockstep_edge_host::{
    Config, HostError,
    args::{self, Command},
    check, keys, log, open_component, pack, run_with,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

fn main() -> ExitCode {
    log::take_panics();
    let code = obey();
    log::flush();
    code
}

/// Does as the command line says.
fn obey() -> ExitCode {
    match args::parse(std::env::args_os(), |name| std::env::var_os(name)) {
        Ok(Command::Serve { listen, config }) => {
            log::as_json(config.log_json);
            serve(&listen, *config)
        }
        Ok(Command::Check { shown, config }) => match check(&config) {
            Ok(notes) => print(&(shown + &notes)),
            Err(error) => fail(2, &error),
        },
        Ok(Command::Settings(table)) => print(&table),
        Ok(Command::Manual(folder)) => match args::manual(&folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, &format!("{}: {error}", folder.display())),
        },
        Ok(Command::NewKey { name }) => match keys::make(&name) {
            Ok(new) => {
                log::line(format_args!("the key of {name}, which nothing else shows again: {}", new.key));
                print(&new.entry)
            }
            Err(error) => fail(1, &error),
        },
        Ok(Command::Open { model, component, out }) => match open_component(&component, &model) {
            Ok(opened) => match std::fs::write(&out, opened) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(1, &format!("{}: {error}", out.display())),
            },
            Err(error) => fail(2, &error),
        },
        Ok(Command::Pack { model, source, out }) => match pack(&model, &source, &out) {
            Ok(written) => print(&written),
            Err(error) => fail(2, &error),
        },
        // Prints help and version on stdout with code 0, mistakes on stderr with code 2.
        Err(error) => error.exit(),
    }
}

/// The settings, read anew at each `SIGHUP`.
fn updates(config: &Config) -> std::io::Result<watch::Receiver<Config>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let (send, updates) = watch::channel(config.clone());
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match args::parse(std::env::args_os(), |name| std::env::var_os(name)) {
                Ok(Command::Serve { config, .. }) => {
                    if send.send(*config).is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) => log::line(format_args!("the settings stay as they are: {error}")),
            }
        }
    });
    Ok(updates)
}

/// Writes to standard output.
fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &format!("standard output: {error}")),
    }
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    log::line(error);
    ExitCode::from(code)
}

fn serve(listen: &str, config: Config) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &error),
    };
    let code = runtime.block_on(async {
        let signals = signal(SignalKind::interrupt()).and_then(|interrupt| {
            let terminate = signal(SignalKind::terminate())?;
            Ok((interrupt, terminate))
        });
        let (mut interrupt, mut terminate) = match signals {
            Ok(signals) => signals,
            Err(error) => return fail(1, &error),
        };
        let updates = match updates(&config) {
            Ok(updates) => updates,
            Err(error) => return fail(1, &error),
        };
        let listener = match TcpListener::bind(listen).await {
            Ok(listener) => listener,
            Err(error) => return fail(1, &format!("--listen {listen}: {error}")),
        };
        if let Ok(address) = listener.local_addr() {
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            log::line(format_args!("listening on {scheme}://{address}"));
            if config.keys.is_none() && !address.ip().is_loopback() {
                log::line("everybody who reaches this address may ask; --keys FILE names those who may");
            }
        }
        let shutdown = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            log::line("shutting down");
        };
        match run_with(listener, config, updates, shutdown).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(
                error @ (HostError::File { .. }
                | HostError::Module { .. }
                | HostError::Keys(_)
                | HostError::Tls(_)
                | HostError::Items(_)
                | HostError::Cache { .. }),
            ) => fail(2, &error),
            Err(error) => fail(1, &error),
        }
    });
    // Does not wait for a thread that still compiles.
    runtime.shutdown_background();
    code
}
