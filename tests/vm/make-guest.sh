#!/usr/bin/env bash
# usage: make-guest.sh FOLDER PROGRAM
#
# Makes FOLDER/vmlinux and FOLDER/initramfs.gz for a machine that loads vfio-pci, runs PROGRAM (a
# static executable) and switches itself off. The kernel is Debian's.
set -euo pipefail
mkdir -p "$1"
folder=$(realpath "$1") program=$(realpath "$2")
modules='irqbypass vfio vfio_virqfd vfio_iommu_type1 vfio-pci-core vfio-pci'

missing=()
for package in busybox-static cpio xz-utils; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if ((${#missing[@]})); then
  sudo=$([ "$(id -u)" = 0 ] || echo sudo)
  $sudo apt-get -qq update
  $sudo apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null
fi

if [[ ! -e $folder/vmlinux ]]; then
  package=$(apt-cache depends linux-image-amd64 |
    awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
  (cd "$folder" && apt-get -qq -o APT::Sandbox::User= download "$package")
  dpkg-deb -x "$folder"/linux-image-*.deb "$folder/kernel"
  # The image is a small program with the xz-compressed kernel inside. The uncompressed kernel
  # starts two seconds sooner.
  python3 - "$folder"/kernel/boot/vmlinuz-* >"$folder/vmlinux.part" <<'UNPACK'
import lzma, sys
image = open(sys.argv[1], "rb").read()
packed = image[image.index(b"\xfd7zXZ\x00"):]
sys.stdout.buffer.write(lzma.LZMADecompressor().decompress(packed))
UNPACK
  mv "$folder/vmlinux.part" "$folder/vmlinux"
  rm "$folder"/linux-image-*.deb
fi

root=$folder/root
rm -rf "$root"
mkdir -p "$root"/{bin,dev,proc,sys,modules,tmp}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$program" "$root/bin/program"
for module in $modules; do
  file=$(find "$folder/kernel/lib/modules" -name "$module.ko*" | head -1)
  # A kernel may have a module built in; then there is no file.
  case $file in
    '') continue ;;
    *.xz) xz -dc "$file" >"$root/modules/$module.ko" ;;
    *) cp "$file" "$root/modules/$module.ko" ;;
  esac
  echo "$module" >>"$root/modules/order"
done
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
export PATH=/bin:/sbin
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys
mount -t devtmpfs none /dev; mount -t tmpfs none /tmp
for module in $(cat /modules/order); do insmod /modules/$module.ko || echo "no module $module"; done
/bin/program
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$folder/initramfs.gz"
