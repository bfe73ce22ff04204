#!/usr/bin/env bash
# usage: make-guest.sh FOLDER IMAGE PROGRAM DAEMON MODEL
#
# Makes FOLDER/vmlinux and FOLDER/IMAGE for a machine that loads vfio-pci, runs PROGRAM and switches
# itself off. DAEMON is /bin/edge-host and the model folder MODEL is /model in the machine. Both
# programs are this machine's: the image holds the libraries that they load. The kernel is Debian's.
set -euo pipefail
mkdir -p "$1"
folder=$(realpath "$1") image=$2 program=$(realpath "$3") daemon=$(realpath "$4") model=$(realpath "$5")
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

root=$(mktemp -d "$folder/root.XXXXXX")
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root"/{bin,dev,proc,sys,modules,model}
cp "$(command -v busybox)" "$root/bin/busybox"
strip --strip-debug -o "$root/bin/program" "$program"
strip --strip-debug -o "$root/bin/edge-host" "$daemon"
# The libraries and the loader, each at the path at which the programs look for it.
for library in $(ldd "$program" "$daemon" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u); do
  mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"
done
cp "$model"/{model.lockstep,tokenizer.json,lockstep.json} "$root/model"
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
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
ip link set lo up
for module in $(cat /modules/order); do insmod /modules/$module.ko || echo "no module $module"; done
/bin/program "$@"
poweroff -f
INIT
chmod +x "$root/init"
# Not compressed: to unpack it would take the machine longer than to read it.
(cd "$root" && find . | cpio --quiet -o -H newc) >"$folder/$image.part"
mv "$folder/$image.part" "$folder/$image"
