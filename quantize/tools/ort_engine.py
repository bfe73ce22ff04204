"""ONNX Runtime as a text encoder: sessions with a fixed number of threads, and mean-pooled
embeddings of token ids."""
import os

import numpy as np
import onnxruntime as ort

from cli import BadUsage

ENCODER_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
BATCH_TOKENS = 2048  # most tokens of one batch


def session(path, threads=1, inputs=None):
    """Opens the graph at `path` with default optimisations. `inputs` is the set of input names that
    it must have."""
    if not os.path.isfile(path):
        raise BadUsage(f"{path}: no such file")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        opened = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a dozen unrelated error types for a bad file
        raise BadUsage(f"{path}: ONNX Runtime cannot load it: {error}") from error
    names = {each.name for each in opened.get_inputs()}
    if inputs is not None and names != inputs:
        raise BadUsage(f"{path}: inputs are {', '.join(sorted(names))}; expected {', '.join(sorted(inputs))}")
    return opened


def feed(ids):
    """The inputs of an encoder for `ids`, int [batch, n]: no token is padding, all have type 0."""
    ids = np.asarray(ids, np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def mean_pooled(encoder, sequences, batch, progress=None):
    """Mean of last_hidden_state over the tokens of each sequence: f32 [len(sequences), hidden].

    `sequences` are lists of token ids. Only sequences of one length share a batch, so nothing is
    ever padded. A batch has at most `batch` sequences; use `batch=1` if activations have one scale
    a tensor, because then a batch changes the results."""
    if [each.name for each in encoder.get_outputs()] != ["last_hidden_state"]:
        raise BadUsage("the graph does not give last_hidden_state alone; embeddings come from a bare BertModel")
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    rows, start = [None] * len(order), 0
    while start < len(order):
        length = len(sequences[order[start]])
        most = max(1, min(batch, BATCH_TOKENS // length))
        group = [i for i in order[start : start + most] if len(sequences[i]) == length]
        hidden = encoder.run(None, feed([sequences[i] for i in group]))[0]
        for i, row in zip(group, hidden.astype(np.float64).mean(axis=1)):
            rows[i] = row.astype(np.float32)
        start += len(group)
        if progress:
            progress.add(len(group))
    return np.array(rows)
