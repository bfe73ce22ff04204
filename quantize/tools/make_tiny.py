#!/usr/bin/env python3
"""Makes a tiny BERT checkpoint. Its weights behave like those of a trained model, and its bytes are
the same on every machine.

    make_tiny.py OUT_DIR [--layers 2] [--hidden 64] [--heads 2] [--intermediate 128]
                 [--positions 128] [--act gelu] [--labels 0] [--seed 1] [--dtype f16]

OUT_DIR receives config.json, model.safetensors, tokenizer.json and vocab.txt. The vocabulary is
tiny_vocab.txt beside this file: 400 uncased WordPiece pieces, single characters, endings and common
words.

One SplitMix64 stream of the seed (splitmix.py) feeds all tensors, always weight before bias, in
this order:
1. the word, position and token type tables, their LayerNorm;
2. for each layer query, key, value, attention output, LayerNorm, intermediate, output, LayerNorm;
3. pooler and classifier.

Each element takes one gaussian g (four words), row by row:

    weight of a table        spread * g; spread is 0.05 for words, 0.01 for positions, 0.005 for
                             token types
    weight of a linear       gain / sqrt(in) * g, [out, in]; gain by its name in GAINS, otherwise 1
    weight of a LayerNorm    1 + 0.1 * g; in outlier channels (channel % 31 == 5) this is multiplied
                             by 3, in the last layer's output LayerNorm by 0.25 instead: in trained
                             models too, outliers are inside the network and not in its result
    bias of either           0.05 * g

The formulas are evaluated in f64 from left to right as written, rounded to f32, and for f16 from
there (both to nearest even). The file has a header without spaces, `__metadata__` first, then the
tensors in the order above; the header is padded with spaces to a multiple of 8 bytes.
"""
import argparse
import json
import math
import os
import struct

import numpy as np

from checkpoint import ACTIVATIONS, Shape, tensor_shapes
from cli import BadUsage, run
from splitmix import SplitMix64

SPREADS = {"word_embeddings": 0.05, "position_embeddings": 0.01, "token_type_embeddings": 0.005}
GAINS = {"query": 1.25, "key": 1.25, "attention.output.dense": 0.7, "output.dense": 0.7, "classifier": 3.0}
NORM_SPREAD, BIAS_SPREAD = 0.1, 0.05
OUTLIER_EVERY, OUTLIER_AT, OUTLIER_GAMMA, LAST_GAMMA = 31, 5, 3.0, 0.25
DTYPES = {"f32": ("F32", "<f4"), "f16": ("F16", "<f2")}
LABEL_NAMES = {1: ["relevance"], 2: ["negative", "positive"], 3: ["negative", "neutral", "positive"]}
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny_vocab.txt")


def tensor(name, sizes, stream, last_norm):
    """One tensor as f32 with the shape `sizes`. `last_norm` is the module path of the last
    LayerNorm."""
    g = stream.gaussians(math.prod(sizes)).reshape(sizes)
    if name.endswith(".bias"):
        values = BIAS_SPREAD * g
    elif "LayerNorm" in name:
        values = 1.0 + NORM_SPREAD * g
        values[OUTLIER_AT::OUTLIER_EVERY] *= LAST_GAMMA if name.startswith(last_norm) else OUTLIER_GAMMA
    elif name.startswith("embeddings."):
        values = SPREADS[name.split(".")[1]] * g
    else:
        gain = next((gain for end, gain in GAINS.items() if name.endswith(end + ".weight")), 1.0)
        values = gain / math.sqrt(sizes[1]) * g
    return values.astype(np.float32)


def safetensors_bytes(tensors, dtype):
    """The bytes of model.safetensors for `tensors`, {name: f32 array}. `dtype` is 'f32' or
    'f16'."""
    code, kind = DTYPES[dtype]
    header, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, array in tensors.items():
        parts.append(array.astype(kind).tobytes())
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def config(shape, dtype):
    """The fields of config.json."""
    values = {
        "architectures": ["BertForSequenceClassification" if shape.labels else "BertModel"],
        "model_type": "bert",
        "hidden_act": shape.activation,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "layer_norm_eps": shape.epsilon,
        "max_position_embeddings": shape.positions,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "pad_token_id": SPECIALS.index("[PAD]"),
        "position_embedding_type": "absolute",
        "torch_dtype": {"f32": "float32", "f16": "float16"}[dtype],
        "type_vocab_size": shape.types,
        "vocab_size": shape.vocab,
    }
    if shape.labels:
        names = LABEL_NAMES.get(shape.labels) or [f"topic_{i}" for i in range(shape.labels)]
        values["id2label"] = {str(i): name for i, name in enumerate(names)}
        values["label2id"] = {name: i for i, name in enumerate(names)}
    return values


def tokenizer(pieces):
    """The fields of tokenizer.json of an uncased BERT with these pieces."""
    ids = {piece: i for i, piece in enumerate(pieces)}

    def special(name, kind):
        return {"SpecialToken": {"id": name, "type_id": kind}}

    def sequence(name, kind):
        return {"Sequence": {"id": name, "type_id": kind}}

    single = [special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": ids[name], "special": True, "content": name} | flags for name in SPECIALS],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": single + [sequence("B", 1), special("[SEP]", 1)],
            "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": ids,
        },
    }


def weights(shape, seed):
    """{name: f32 array}. The names of a classifier have the prefix `bert.`, as Hugging Face writes
    them."""
    stream = SplitMix64(seed)
    prefix = "bert." if shape.labels else ""
    last_norm = f"encoder.layer.{shape.layers - 1}.output.LayerNorm"
    tensors = {}
    for name, sizes in tensor_shapes(shape, pooler=True):
        tensors[name if name.startswith("classifier.") else prefix + name] = tensor(name, sizes, stream, last_norm)
    return tensors


def make(folder, dtype="f16", seed=1, **sizes):
    """Writes the checkpoint and returns its bytes. `sizes` replaces fields of the default Shape."""
    with open(VOCAB, encoding="utf-8") as file:
        pieces = file.read().split()
    defaults = {"layers": 2, "hidden": 64, "heads": 2, "intermediate": 128, "positions": 128, "activation": "gelu", "labels": 0}
    shape = Shape(**defaults | sizes, types=2, vocab=len(pieces), epsilon=1e-12)
    os.makedirs(folder, exist_ok=True)
    files = {
        "config.json": json.dumps(config(shape, dtype), indent=2).encode() + b"\n",
        "tokenizer.json": json.dumps(tokenizer(pieces), ensure_ascii=False).encode() + b"\n",
        "vocab.txt": "".join(piece + "\n" for piece in pieces).encode(),
        "model.safetensors": safetensors_bytes(weights(shape, seed), dtype),
    }
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    return sum(map(len, files.values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT_DIR")
    for name in ("layers", "hidden", "heads", "intermediate", "positions"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--act", dest="activation", choices=ACTIVATIONS)
    parser.add_argument("--labels", type=int, help="makes a BertForSequenceClassification")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--dtype", choices=sorted(DTYPES))
    chosen = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    for name in ("layers", "hidden", "heads", "intermediate", "positions"):
        if chosen.get(name, 1) < 1:
            raise BadUsage(f"--{name} {chosen[name]}: at least 1")
    if chosen.get("labels", 0) < 0:
        raise BadUsage(f"--labels {chosen['labels']}: at least 0")
    folder = chosen.pop("out")
    print(f"{folder}: {make(folder, **chosen)} bytes")


if __name__ == "__main__":
    run(main)
