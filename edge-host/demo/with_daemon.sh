#!/usr/bin/env bash
# usage: with_daemon.sh EDGE_HOST MODEL MODULE COMMAND…
# Starts a daemon on loopback and runs COMMAND with the daemon's address as its last argument. Stops
# the daemon when the command ends. If the command fails, prints the daemon's messages.
set -euo pipefail

host=$1 model=$2 module=$3
shift 3
log=$(mktemp)
"$host" serve --model "$model" --module "$module" --listen 127.0.0.1:0 --cache-dir .cache/compiled 2>"$log" &
daemon=$!
stop() { kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; rm -f "$log"; }
trap stop EXIT

url=
for _ in $(seq 100); do
  # Reads complete lines only: the daemon writes its line in pieces.
  while IFS= read -r line; do [[ $line =~ http://[0-9.:]+ ]] && url=${BASH_REMATCH[0]} && break; done <"$log"
  [ -n "$url" ] && break
  kill -0 "$daemon" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
[ -n "$url" ] || { echo "the daemon did not say where it listens within 10 s" >&2; cat "$log" >&2; exit 1; }
"$@" "$url" || { status=$?; cat "$log" >&2; exit $status; }
