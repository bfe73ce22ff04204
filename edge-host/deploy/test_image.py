"""The container image: its layout, its bytes, and the daemon from it: `make test-image`.

Environment: LOCKSTEP_HOST (the daemon), LOCKSTEP_TINY (whose `model` is served), and
LOCKSTEP_IMAGE_BASE (the folder of Debian packages).
"""
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from test_deb import skip

HERE = pathlib.Path(__file__).resolve().parent
MEDIA = "application/vnd.oci.image."
# Only a hang takes so long.
PATIENCE = 120


def build(out, **environment):
    words = [sys.executable, HERE / "image.py", os.environ["LOCKSTEP_HOST"], os.environ["LOCKSTEP_IMAGE_BASE"], out]
    subprocess.run(words, check=True, timeout=300, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    return pathlib.Path(out).read_bytes()


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.bytes = build(cls.folder / "image.tar")
        with tarfile.open(fileobj=io.BytesIO(cls.bytes)) as tar:
            cls.files = {one.name: tar.extractfile(one).read() for one in tar if one.isfile()}
        cls.index = json.loads(cls.files["index.json"])
        cls.manifest = json.loads(cls.blob(cls.index["manifests"][0]))
        cls.config = json.loads(cls.blob(cls.manifest["config"]))

    @classmethod
    def blob(cls, described):
        """The bytes that a descriptor names."""
        content = cls.files[f"blobs/{described['digest'].replace(':', '/')}"]
        assert described["digest"] == "sha256:" + hashlib.sha256(content).hexdigest()
        assert described["size"] == len(content)
        return content

    def test_the_layout_is_that_of_oci(self):
        self.assertEqual(json.loads(self.files["oci-layout"]), {"imageLayoutVersion": "1.0.0"})
        [described] = self.index["manifests"]
        self.assertEqual((self.index["schemaVersion"], self.index["mediaType"]), (2, MEDIA + "index.v1+json"))
        self.assertEqual(described["mediaType"], MEDIA + "manifest.v1+json")
        self.assertEqual((self.manifest["schemaVersion"], self.manifest["mediaType"]), (2, MEDIA + "manifest.v1+json"))
        self.assertEqual(self.manifest["config"]["mediaType"], MEDIA + "config.v1+json")
        layers = self.manifest["layers"]
        self.assertEqual({layer["mediaType"] for layer in layers}, {MEDIA + "layer.v1.tar+gzip"})
        plain = [hashlib.sha256(gzip.decompress(self.blob(layer))).hexdigest() for layer in layers]
        self.assertEqual(self.config["rootfs"], {"type": "layers", "diff_ids": [f"sha256:{one}" for one in plain]})
        self.assertEqual(len(self.config["history"]), len(layers))
        named = [described, self.manifest["config"], *layers]
        blobs = {f"blobs/{one['digest'].replace(':', '/')}" for one in named}
        self.assertEqual(set(self.files), {"oci-layout", "index.json", *blobs}, "and nothing else")
        platform = described["platform"]
        self.assertEqual((platform["os"], platform["architecture"]), (self.config["os"], self.config["architecture"]))

    def test_the_settings_of_a_container(self):
        config = self.config["config"]
        self.assertEqual((config["User"], config["Entrypoint"]), ("65532:65532", ["/usr/bin/edge-host"]))
        self.assertEqual((config["ExposedPorts"], config["StopSignal"]), ({"8080/tcp": {}}, "SIGTERM"))
        self.assertIn("/health", config["Labels"]["lockstep.healthcheck"])

    def test_the_same_program_makes_the_same_bytes(self):
        again = build(self.folder / "again.tar", TZ="Asia/Tokyo", PYTHONHASHSEED="7")
        self.assertTrue(self.bytes == again, "the bytes differ")
        other = build(self.folder / "other.tar", SOURCE_DATE_EPOCH="1")
        self.assertFalse(self.bytes == other, "the time does not count")

    def test_only_the_folder_of_models_is_the_daemons(self):
        for layer in self.manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.blob(layer)), mode="r:gz") as tar:
                for one in tar:
                    self.assertFalse(one.name.startswith("/") or ".." in one.name.split("/"), one.name)
                    if one.uid or one.gid:
                        self.assertTrue(one.name.startswith("var/lib/lockstep"), one.name)
                    if not one.issym():
                        self.assertFalse(one.mode & 0o6002 and one.name != "tmp", f"{one.name}: {one.mode:o}")

    def test_the_daemon_serves_from_the_image(self):
        if subprocess.run(["unshare", "--map-root-user", "true"], capture_output=True).returncode:
            skip(self, "this system gives users no namespace of their own")
        root = self.folder / "root"
        root.mkdir()
        for layer in self.manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.blob(layer)), mode="r:gz") as tar:
                for one in tar:
                    one.uid, one.gid = os.getuid(), os.getgid()
                    tar.extract(one, root, filter="tar")
        model = pathlib.Path(os.environ["LOCKSTEP_TINY"]) / "model"
        shutil.copytree(model, root / "var/lib/lockstep/model", dirs_exist_ok=True)
        # Nothing of this machine's files is there: the image's C library runs the program.
        config = self.config["config"]
        words = ["unshare", "--map-root-user", f"--root={root}", *config["Entrypoint"], *config["Cmd"], "--listen", "127.0.0.1:0"]
        daemon = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={})
        late = threading.Timer(PATIENCE, daemon.kill)
        late.start()
        self.addCleanup(late.cancel)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        lines = [daemon.stderr.readline()]
        while lines[-1] and "listening" not in lines[-1]:
            lines.append(daemon.stderr.readline())
        found = re.search(r"http://[\d.:]+", lines[-1])
        self.assertTrue(found, lines)

        def ask(path, body=None):
            request = urllib.request.Request(found[0] + path, body and json.dumps(body).encode())
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as refusal:
                return refusal.code, json.load(refusal)

        while ask("/health")[0] != 200:
            time.sleep(0.05)
        status, vectors = ask("/embed", {"inputs": ["a bicycle lamp"]})
        self.assertEqual((status, len(vectors)), (200, 1))
        daemon.terminate()
        self.assertEqual(daemon.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
