#!/usr/bin/env bash
# Installs what a bare Debian machine with Rust and Python lacks: C and C++ compilers, Verilator,
# QEMU for the kernels of another processor, Python's venv, the targets that are built.
set -euo pipefail

need=()
command -v cc >/dev/null && command -v g++ >/dev/null || need+=(build-essential)
python3 -c 'import ensurepip, venv' 2>/dev/null || need+=(python3-venv python3-pip)
# The RTL is simulated by verilated models, which are compiled when they are first needed; waveforms
# are compressed by zlib.
command -v verilator >/dev/null || need+=(verilator)
[ -e /usr/include/zlib.h ] || need+=(zlib1g-dev)
command -v qemu-aarch64 >/dev/null || need+=(qemu-user)
if ((${#need[@]})); then
  echo "installing Debian packages: ${need[*]}" >&2
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi

command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.95 or newer" >&2; exit 2; }
have=$(rustup target list --installed)
for target in wasm32-unknown-unknown wasm32-wasip1 wasm32-wasip2 aarch64-unknown-linux-musl; do
  grep -qx "$target" <<<"$have" || rustup target add "$target"
done
