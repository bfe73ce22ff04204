"""usage: image.py PROGRAM PACKAGES OUT: writes OUT, a container image as a tar file of the OCI
image layout, from the daemon's program and the Debian packages (*.deb) in the folder PACKAGES.

Needs dpkg-deb, no root and no container engine. The same program, packages and SOURCE_DATE_EPOCH
(by default the time of the last commit) make the same bytes. `skopeo copy oci-archive:OUT …` and
`podman load -i OUT` take the file.
"""
import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# No user of the base system has this number.
USER = 65532
# What the daemon needs beside the C library.
FILES = {
    "etc/passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\nlockstep:x:{USER}:{USER}::/var/lib/lockstep:/usr/sbin/nologin\n",
    "etc/group": f"root:x:0:\nlockstep:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/lockstep/edge-host.toml": (
        "# Settings of edge-host in a container. Options and EDGE_HOST_… variables count more.\n"
        'model = "/var/lib/lockstep/model"\nlisten = "0.0.0.0:8080"\n'
    ),
}
MEDIA = "application/vnd.oci.image."


def layer(entries, epoch):
    """A tar file of `(name, mode, owner, type, content or link)`, in the order of names."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode, owner, kind, content in sorted(entries, key=lambda entry: entry[0]):
            member = tarfile.TarInfo(name)
            member.mode, member.uid, member.gid, member.mtime, member.type = mode, owner, owner, epoch, kind
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content or ""
                tar.addfile(member)
    return out.getvalue()


def packages(folder):
    """The files of Debian packages, and the names and versions of these."""
    entries, names = {}, []
    for package in sorted(pathlib.Path(folder).glob("*.deb")):
        field = lambda name: subprocess.run(
            ["dpkg-deb", "--field", package, name], check=True, capture_output=True, text=True
        ).stdout.strip()
        names.append(f"{field('Package')} {field('Version')}")
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                name = member.name.removeprefix("./").rstrip("/")
                if name in ("", "."):
                    continue
                if member.isfile():
                    rest = tar.extractfile(member).read()
                elif member.isdir():
                    rest = None
                elif member.issym():
                    rest = member.linkname
                elif member.islnk():
                    rest = member.linkname.removeprefix("./")
                else:
                    raise SystemExit(f"{package}: {member.name} is no file, folder or link")
                entries[name] = (name, member.mode, 0, member.type, rest)
    if not names:
        raise SystemExit(f"{folder}: no packages")
    return list(entries.values()), names


def stripped(program):
    """The program without the symbols that only a debugger reads."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["strip", "--strip-unneeded", "-o", file.name, program], check=True)
        return pathlib.Path(file.name).read_bytes()


def daemon(program):
    """The files of the daemon."""
    folders = {"tmp": (0o1777, 0), "var/lib/lockstep": (0o750, USER), "var/lib/lockstep/model": (0o755, USER)}
    doc = "usr/share/doc/lockstep-edge-host"
    files = {name: text.encode() for name, text in FILES.items()}
    files[f"{doc}/copyright"] = (HERE / "debian/copyright").read_bytes()
    files[f"{doc}/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files[f"{doc}/SETTINGS.md"] = (ROOT / "edge-host/SETTINGS.md").read_bytes()
    for name in [*files, *folders, "usr/bin/edge-host"]:
        for parent in pathlib.PurePosixPath(name).parents:
            if str(parent) != ".":
                folders.setdefault(str(parent), (0o755, 0))
    entries = [(name, mode, owner, tarfile.DIRTYPE, None) for name, (mode, owner) in folders.items()]
    entries += [(name, 0o644, 0, tarfile.REGTYPE, content) for name, content in files.items()]
    entries.append(("usr/bin/edge-host", 0o755, 0, tarfile.REGTYPE, stripped(program)))
    return entries


def main(program, folder, out):
    commit = ["git", "-C", ROOT, "log", "-1", "--format=%ct"]
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or subprocess.run(commit, check=True, capture_output=True, text=True).stdout
    epoch = int(epoch)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
    version = next(line.split('"')[1] for line in (ROOT / "Cargo.toml").read_text().splitlines() if line.startswith("version = "))
    machine = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    blobs = {}

    def blob(content, kind, **more):
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        blobs[f"blobs/{digest.replace(':', '/')}"] = content
        return {"mediaType": MEDIA + kind, "digest": digest, "size": len(content), **more}

    base, names = packages(folder)
    layers, digests, history = [], [], []
    for entries, about in ((base, f"Debian: {', '.join(names)}"), (daemon(program), f"edge-host {version}")):
        plain = layer(entries, epoch)
        digests.append("sha256:" + hashlib.sha256(plain).hexdigest())
        layers.append(blob(gzip.compress(plain, 9, mtime=0), "layer.v1.tar+gzip"))
        history.append({"created": created, "created_by": about})
    config = {
        "created": created,
        "architecture": machine,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"8080/tcp": {}},
            "Entrypoint": ["/usr/bin/edge-host"],
            "Cmd": ["serve", "--config", "/etc/lockstep/edge-host.toml"],
            "Volumes": {"/var/lib/lockstep/model": {}},
            "WorkingDir": "/var/lib/lockstep",
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": "lockstep-edge-host",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
                # The image has no other program, so whoever runs it asks from outside.
                "lockstep.healthcheck": "GET http://:8080/health",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": digests},
        "history": history,
    }
    dump = lambda value: json.dumps(value, separators=(",", ":")).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MEDIA + "manifest.v1+json",
        "config": blob(dump(config), "config.v1+json"),
        "layers": layers,
    }
    named = {"org.opencontainers.image.ref.name": version}
    platform = {"architecture": machine, "os": "linux"}
    described = blob(dump(manifest), "manifest.v1+json", platform=platform, annotations=named)
    index = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": [described]}
    files = {"oci-layout": dump({"imageLayoutVersion": "1.0.0"}), "index.json": dump(index), **blobs}
    entries = [(name, 0o755, 0, tarfile.DIRTYPE, None) for name in ("blobs", "blobs/sha256")]
    entries += [(name, 0o644, 0, tarfile.REGTYPE, content) for name, content in files.items()]
    pathlib.Path(out).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(out).write_bytes(layer(entries, epoch))
    print(out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
