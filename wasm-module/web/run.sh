#!/usr/bin/env bash
# usage: run.sh EDGE_HOST MODEL MODULE BUILT PORT: the demo and a daemon beside it, both on loopback, until interrupted.
set -euo pipefail

host=$1 model=$2 module=$3 built=$4 port=$5
log=$(mktemp)
"$host" serve --model "$model" --module "$module" --listen 127.0.0.1:0 --cache-dir .cache/compiled 2>"$log" &
daemon=$!
stop() { kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true; rm -f "$log"; }
trap stop EXIT
for _ in $(seq 100); do
  url=$(grep -o 'http://[0-9.:]*' "$log" | head -1 || true)
  [ -n "$url" ] && break
  kill -0 "$daemon" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
[ -n "$url" ] || { echo "the daemon did not say where it listens within 10 s" >&2; cat "$log" >&2; exit 1; }
node "$(dirname "$0")/serve.mjs" --built "$built" --model "$model" --daemon "$url" --port "$port"
