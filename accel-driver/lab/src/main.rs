//! `lockstep-lab`: see `lockstep-lab --help`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr());
    ExitCode::from(lockstep_accel_lab::run(std::env::args_os(), &mut out, &mut err))
}
