"""The daemon's description is valid OpenAPI, and schemathesis asks the daemon by it.

No answer may be a server error, have a status or a type that is not described, or contradict its
schema, and no request that contradicts its schema may be served. Environment: as test_clients.py.
"""
import os
import subprocess
import sys
import tempfile
import unittest

from openapi_spec_validator import validate

from daemon import PATIENCE, Daemon

HERE = os.path.dirname(os.path.abspath(__file__))
TINY = os.environ["LOCKSTEP_TINY"]


class OpenApi(unittest.TestCase):
    def check(self, daemon, *options):
        validate(daemon.ask("/openapi.json")[1])
        tool = os.path.join(os.path.dirname(sys.executable), "schemathesis")
        settings = os.path.join(HERE, "schemathesis.toml")
        words = [tool, "--config-file", settings, "run", f"{daemon.url}/openapi.json", "--no-color", *options]
        run = subprocess.run(
            words, capture_output=True, encoding="utf-8", timeout=5 * PATIENCE, cwd=self.folder,
            env=os.environ | {"LOCKSTEP_URL": daemon.url, "SCHEMATHESIS_HOOKS": os.path.join(HERE, "hooks.py")},
        )
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertIn("passed", run.stdout)

    def start(self, model, *options):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        daemon = Daemon(os.path.join(TINY, model), "--items", os.path.join(folder.name, "items"), *options)
        self.addCleanup(daemon.stop)
        return daemon

    def test_an_embedding_model(self):
        # Second routes of endpoints that are asked anyway.
        again = ["/embeddings", "/invocations", "/v1/embed", "/v2/models/{model}/versions/{version}/infer"]
        self.check(self.start("model"), *(f"--exclude-path={path}" for path in again))

    def test_a_classifier(self):
        model = os.path.join(TINY, "labels")
        paths = ["/", "/predict", "/tokenize", "/rerank", "/embed", "/v2/models/{model}/infer", "/info"]
        self.check(self.start(model), *(f"--include-path={path}" for path in paths))


if __name__ == "__main__":
    unittest.main()
