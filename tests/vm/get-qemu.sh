#!/usr/bin/env bash
# usage: get-qemu.sh FOLDER
#
# Downloads a QEMU with vfio-user-pci (10.1 or later) from Debian's backports and unpacks it into
# FOLDER, without root and without installing anything. FOLDER/qemu starts QEMU. apt uses the
# machine's own mirror, and keeps its state in FOLDER.
set -euo pipefail
mkdir -p "$1"
folder=$(realpath "$1")
suites='trixie trixie-backports'
mirror=$(apt-cache policy | grep -oE 'https?://[^ ]+/debian ' | head -1 | tr -d ' ')
[[ -n $mirror ]] || { echo "apt knows no mirror of Debian" >&2; exit 1; }

state=$folder/apt
mkdir -p "$state"/{lists/partial,cache/archives/partial}
: >"$state/status"
key=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in $suites; do
  echo "deb [signed-by=$key] $mirror $suite main"
done >"$state/sources.list"
options=()
for option in "Dir::Etc::sourcelist=$state/sources.list" Dir::Etc::sourceparts=/dev/null \
  Dir::Etc::preferences=/dev/null Dir::Etc::preferencesparts=/dev/null \
  "Dir::State::status=$state/status" "Dir::State::lists=$state/lists" "Dir::Cache=$state/cache" \
  Debug::NoLocking=1 APT::Get::List-Cleanup=0 APT::Sandbox::User= APT::Install-Recommends=0; do
  options+=(-o "$option")
done
apt-get "${options[@]}" -qq update
apt-get "${options[@]}" -qq -y --download-only -t trixie-backports \
  install qemu-system-x86 >/dev/null
rm -rf "$folder/root"
for package in "$state"/cache/archives/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
rm -rf "$state"

# QEMU's libraries are newer than the machine's, so QEMU needs its own loader.
cat >"$folder/qemu" <<'START'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
libraries=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" \
  "$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
START
chmod +x "$folder/qemu"
"$folder/qemu" --version | head -1
