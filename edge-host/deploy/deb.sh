#!/usr/bin/env bash
# usage: deb.sh PROGRAM FOLDER: makes FOLDER/lockstep-edge-host_VERSION_ARCHITECTURE.deb from the
# daemon's program. Needs dpkg-deb and binutils, no root. The same program and the same
# SOURCE_DATE_EPOCH (by default the time of the last commit) make the same bytes.
set -euo pipefail
umask 022
program=$(realpath "$1") out=$(realpath -m "$2")
cd "$(dirname "$0")/../.."
here=edge-host/deploy
name=lockstep-edge-host
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
architecture=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
put() { install -D -m "$1" "$2" "$tree/$3"; }
put 755 "$program" usr/bin/edge-host
strip --strip-unneeded "$tree/usr/bin/edge-host"
put 644 $here/edge-host.service lib/systemd/system/edge-host.service
put 644 $here/edge-host.toml etc/lockstep/edge-host.toml
put 644 $here/debian/sysusers.conf usr/lib/sysusers.d/$name.conf
doc=usr/share/doc/$name
put 644 $here/debian/copyright $doc/copyright
put 644 edge-host/SETTINGS.md $doc/SETTINGS.md
put 644 SECURITY.md $doc/SECURITY.md
put 644 $here/grafana.json $doc/examples/grafana.json
{
  printf '%s (%s) unstable; urgency=medium\n\n' $name "$version"
  printf '  * The changes are in the repository: CHANGELOG.md.\n\n'
  printf ' -- Lockstep maintainers <maintainers@lockstep.example>  %s\n' \
    "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -n9 >"$tree/$doc/changelog.gz"
mkdir -p "$tree/usr/share/man/man1"
"$program" man "$tree/usr/share/man/man1"
gzip -n9 "$tree"/usr/share/man/man1/*.1

# The newest version of the C library whose symbols the program wants.
glibc=$(objdump -T "$tree/usr/bin/edge-host" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)
mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $architecture
Maintainer: Lockstep maintainers <maintainers@lockstep.example>
Installed-Size: $(du -k -s --apparent-size "$tree" | cut -f1)
Depends: libc6 (>= ${glibc#GLIBC_}), libgcc-s1 (>= 4.2)
Recommends: systemd
Section: net
Priority: optional
Description: scores and vectors of texts over HTTP
 The daemon of Lockstep ranks candidates for a person, encodes texts and keeps
 items to recommend. It runs a model in integers, so that every processor gives
 the same bits, natively, in WebAssembly or on accelerator cards.
 .
 The service does not start by itself: it needs a model folder first, by default
 /var/lib/lockstep/model, and a file of keys.
CONTROL
echo /etc/lockstep/edge-host.toml >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do put 755 $here/debian/$script DEBIAN/$script; done
(cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z |
  xargs -0 md5sum >DEBIAN/md5sums)
find "$tree" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

mkdir -p "$out"
deb=$out/${name}_${version}_$architecture.deb
# With one thread, because the number of threads changes the bytes.
dpkg-deb --root-owner-group -Zxz -z2 --threads-max=1 --build "$tree" "$deb" >/dev/null
echo "$deb"
