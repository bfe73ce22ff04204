#!/usr/bin/env bash
# Installs what the browser's tests need: Debian's Chromium, and Node.js if there is none.
set -euo pipefail

need=()
command -v node >/dev/null || need+=(nodejs npm)
command -v chromium >/dev/null || need+=(chromium)
if ((${#need[@]})); then
  echo "installing Debian packages: ${need[*]}" >&2
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi
