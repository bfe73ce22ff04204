#!/usr/bin/env bash
# Runs tests in Miri, which finds undefined behaviour and plays orders of loads and stores that this
# machine may never show: shared memory, and the driver's rings. `miri.sh TARGET_FOLDER`.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! cargo +nightly miri --version >/dev/null 2>&1; then
  rustup toolchain install nightly --profile minimal --component miri,rust-src
fi
export MIRIFLAGS=-Zmiri-disable-isolation
miri() { cargo +nightly miri test --locked --target-dir "$1/miri" "${@:2}"; }
miri "$1" -p lockstep-accel-memory --test one_process
miri "$1" -p lockstep-accel-driver --lib -- rings:: spans:: outcome::
