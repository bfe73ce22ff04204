"""A daemon for the tests of clients.

Environment: LOCKSTEP_HOST is the daemon.
"""
import json
import os
import re
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

# Only a hang takes so long.
PATIENCE = 120


class Daemon:
    """A daemon with a model folder, on a free port. `trusted` is the certificate of a TLS port."""

    def __init__(self, model, *options, trusted=None):
        self.context = trusted and ssl.create_default_context(cafile=trusted)
        words = [os.environ["LOCKSTEP_HOST"], "serve", "--model", model, "--listen", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, encoding="utf-8")
        late = threading.Timer(PATIENCE, self.process.kill)
        late.start()
        lines = iter(self.process.stderr.readline, "")
        self.url = next(found[0] for found in map(lambda line: re.search(r"https?://[\d.:]+", line), lines) if found)
        # The daemon must never wait for a reader of its log.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        while self.ask("/health")[0] != 200:
            time.sleep(0.05)
        late.cancel()

    def ask(self, path, body=None, headers=()):
        """The status and the JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json", **dict(headers)})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self.context) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stderr.close()
