#!/usr/bin/env bash
# usage: deny.sh FOLDER [CHECK]…: checks the dependencies against deny.toml by cargo-deny.
#
# CHECK is licenses, bans, sources (these three by default) or advisories. The last needs the
# database of RustSec, which cargo-deny fetches with git: it does not work where only package
# registries are reached. cargo-deny is built into FOLDER once, without optimisation: two minutes of
# processor time.
set -euo pipefail

version=0.20.2
if [ "$("$1/bin/cargo-deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
  echo "building cargo-deny $version" >&2
  CARGO_TARGET_DIR="$1/build" CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_INCREMENTAL=false \
    cargo install --quiet --locked --debug --no-default-features --force --root "$1" --version "=$version" cargo-deny
  rm -rf "$1/build"
fi
checks=("${@:2}")
((${#checks[@]})) || checks=(licenses bans sources)
deny=$(realpath "$1/bin/cargo-deny")
cd "$(dirname "$0")/../.."
exec "$deny" --locked check "${checks[@]}"
