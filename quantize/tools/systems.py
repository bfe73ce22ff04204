"""The systems that evaluate.py compares. Each one maps texts to one vector a text."""
import hashlib
import json
import os
import shlex
import subprocess
import threading

import numpy as np

from cli import BadUsage, Failed, Progress
from ort_engine import ENCODER_INPUTS, mean_pooled, session


class OnnxRuntime:
    """An encoder graph in ONNX Runtime with mean pooling. At most `batch` texts of one length share
    a call."""

    def __init__(self, name, path, tokenizer, batch, threads, cache):
        self.name, self.path, self.tokenizer = name, path, tokenizer
        self.batch, self.threads, self.cache = batch, threads, cache
        if not os.path.isfile(path):
            raise BadUsage(f"{path}: no such file")

    def embed(self, texts):
        """The vectors, f32 [len(texts), hidden]. They come from the cache folder if it has those of
        the same graph and the same tokens."""
        sequences = [each.ids for each in self.tokenizer.encode_batch(texts)]
        stored = self.cache and os.path.join(self.cache, f"{self.name}-{self.digest(sequences)}.npz")
        if stored and os.path.isfile(stored):
            with np.load(stored) as file:
                return file["vectors"]
        encoder = session(self.path, self.threads, ENCODER_INPUTS)
        vectors = mean_pooled(encoder, sequences, self.batch, Progress(self.name, len(texts)))
        if stored:
            os.makedirs(self.cache, exist_ok=True)
            partial = f"{stored}.{os.getpid()}.npz"
            np.savez(partial, vectors=vectors)
            os.replace(partial, stored)
        return vectors

    def digest(self, sequences):
        """The name of the result: a digest of the graph's bytes, `batch` and every token id."""
        with open(self.path, "rb") as file:
            state = hashlib.file_digest(file, "sha256")
        state.update(json.dumps([self.batch, sequences]).encode())
        return state.hexdigest()[:24]


class Command:
    """A program that reads one JSON string a line and answers each line, in order, with one JSON
    array of integers."""

    def __init__(self, name, command):
        self.name, self.words = name, shlex.split(command)
        if not self.words:
            raise BadUsage("--lockstep is empty")

    def embed(self, texts):
        """The vectors, int64 [len(texts), hidden]."""
        try:
            child = subprocess.Popen(self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        except OSError as error:
            raise BadUsage(f"--lockstep: {self.words[0]}: {error.strerror}") from error
        writer = threading.Thread(target=self.write, args=(child.stdin, texts), daemon=True)
        writer.start()
        progress, rows = Progress(self.name, len(texts)), []
        with child:
            try:
                for line in child.stdout:
                    rows.append(self.row(line, len(rows), rows))
                    progress.add(1)
                    if len(rows) > len(texts):
                        raise Failed(f"{self.words[0]} gave more lines than the {len(texts)} texts that it got")
            except Failed:
                child.kill()
                raise
        if child.returncode != 0:
            raise Failed(f"{self.words[0]} ended with code {child.returncode} after {len(rows)} of {len(texts)} texts")
        if len(rows) != len(texts):
            raise Failed(f"{self.words[0]} gave {len(rows)} lines for {len(texts)} texts")
        return np.array(rows, np.int64)

    @staticmethod
    def write(pipe, texts):
        """Writes the texts to the program. If it stops reading, its missing answers are the
        error."""
        try:
            with pipe:
                for text in texts:
                    pipe.write(json.dumps(text, ensure_ascii=False) + "\n")
        except OSError:
            pass

    def row(self, line, index, rows):
        """Parses answer number `index` and checks it against the first of `rows`."""
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, list) or not row or any(type(value) is not int for value in row):
            raise Failed(f"{self.words[0]}: line {index + 1} is not a JSON array of integers: {line[:80]!r}")
        if rows and len(row) != len(rows[0]):
            raise Failed(f"{self.words[0]}: line {index + 1} has {len(row)} integers, the first has {len(rows[0])}")
        return row
