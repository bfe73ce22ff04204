#!/usr/bin/env bash
# Everything that CI runs, by `make test`: all parts run, all failures are reported.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=() passed=0
part() {
  local name=$1 started=$SECONDS
  shift
  echo "== $name"
  if "$@"; then passed=$((passed + 1)); else failed+=("$name"); fi
  echo "== $name: $((SECONDS - started)) s"
}

# The whole contract once with overflow checks, in the development profile.
arithmetic() { cargo test --locked -p lockstep-arith; }
# The peer for the bench has no tests and takes minutes to build.
workspace() {
  cargo test --locked --release --workspace --exclude lockstep-arith --exclude lockstep-peer-rten --no-fail-fast
}
tools() { "$LOCKSTEP_PYTHON" -m unittest discover -s tests/tools; }
# The kernels' own tests in WebAssembly. Where the engine's relaxed SIMD is not the final one, the strict kernel stands in;
# the relaxed one is compared by the workspace's tests, in wasmtime.
wasm_kernels() {
  for features in "" relaxed-simd; do
    cargo test --locked --release -p lockstep-kernels --target wasm32-wasip1 --features "$features" || return 1
  done
}
# The kernels' own tests on the other processor, in QEMU. The linker of this target comes with Rust.
arm_kernels() {
  LOCKSTEP_EXPECT_KERNEL=arm-dotprod CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER="qemu-aarch64 -cpu max" \
    cargo test --locked --release -p lockstep-kernels --target aarch64-unknown-linux-musl
}
# The other WebAssembly target that the one source is for: type-checked, which spares another build of tract.
targets() {
  for features in "" relaxed-simd; do
    cargo check --locked --profile module -p lockstep-module --target wasm32-wasip1 --features "$features" || return 1
  done
}
# The README's first command, as a user types it.
demo() { make --no-print-directory demo >"$1" && grep -q 'because' "$1" && head -20 "$1"; }

part "format, lints, docs" tests/check.sh
part "arithmetic" arithmetic
part "workspace" workspace
part "proofs of the RTL" hdl-sim/tools/formal.sh "$LOCKSTEP_HDL_TOOLS" target/formal
part "python tools" tools
if command -v node >/dev/null; then part "kernels in WebAssembly" wasm_kernels; else echo "== kernels in WebAssembly: left out, there is no node"; fi
part "kernels on aarch64" arm_kernels
part "wasm targets" targets
part "browser" make --no-print-directory test-browser
part "same bits" make --no-print-directory test-same-bits
part "bench runs" make --no-print-directory bench-check
part "demo" demo target/demo.txt

echo "$passed passed, ${#failed[@]} failed"
if ((${#failed[@]})); then printf 'failed: %s\n' "${failed[@]}" && exit 1; fi
