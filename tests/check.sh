#!/usr/bin/env bash
# Checks format, lints, docs and duplicate dependencies. A failed step does not stop the others.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=0
step() {
  echo "-- $*"
  "$@" || { echo "-- failed: $*"; failed=1; }
}

step cargo fmt --all --check
step cargo clippy --locked --release --workspace --all-targets --quiet -- --deny warnings
# The aarch64 kernel; its tests run in QEMU.
step cargo clippy --locked --release -p lockstep-kernels --target aarch64-unknown-linux-musl --quiet -- --deny warnings
RUSTDOCFLAGS="--deny warnings" step cargo doc --locked --release --workspace --no-deps --quiet
# The RTL.
step hdl-sim/tools/lint.sh "$LOCKSTEP_HDL_TOOLS"
# Two versions of a heavy dependency would double the build and the module.
duplicates() { ! cargo tree --locked --workspace --duplicates --depth 0 --edges normal 2>/dev/null | grep -E '^(tract|wasmtime|prost|tokio)[-a-z]* '; }
step duplicates
exit $failed
