"""Reads a BERT checkpoint folder as Hugging Face lays it out: config.json, model.safetensors and
tokenizer.json."""
import json
import os
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from cli import BadUsage

ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu")


@dataclass(frozen=True)
class Shape:
    """The sizes of the network. `labels` is 0 for a BertModel without a classifier."""

    layers: int
    hidden: int
    heads: int
    intermediate: int
    positions: int
    types: int
    vocab: int
    activation: str
    epsilon: float
    labels: int

    def __post_init__(self):
        if self.hidden % self.heads:
            raise BadUsage(f"hidden size {self.hidden} is not a multiple of {self.heads} heads")

    @property
    def head_width(self):
        """Channels of one attention head."""
        return self.hidden // self.heads


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory. `weights` maps names without the prefix `bert.` to f32 arrays; the
    weights of linear layers are [out, in]."""

    shape: Shape
    weights: dict


def path_in(folder, name):
    """The path of `name` inside `folder`; BadUsage if there is no such file."""
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        raise BadUsage(f"{path}: no such file; a checkpoint folder has config.json, model.safetensors and tokenizer.json")
    return path


def read_json(path):
    """The object in a JSON file, without the keys whose value is null."""
    with open(path, encoding="utf-8-sig") as file:
        try:
            value = json.load(file)
        except ValueError as error:
            raise BadUsage(f"{path}: not JSON: {error}") from error
    return {key: each for key, each in value.items() if each is not None}


def length_limit(folder, positions):
    """Most tokens of a text, as sentence-transformers cuts it: max_seq_length of
    sentence_bert_config.json, else model_max_length of tokenizer_config.json; at most
    `positions`."""
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        path = os.path.join(folder, name)
        limit = read_json(path).get(key) if os.path.isfile(path) else None
        if limit is not None:
            return int(min(limit, positions))
    return positions


def read_config(folder):
    """config.json as a dict."""
    path = path_in(folder, "config.json")
    config = read_json(path)
    if config.get("model_type", "bert") != "bert":
        raise BadUsage(f"{path}: model_type is {config['model_type']!r}, only 'bert' is understood")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise BadUsage(f"{path}: position_embedding_type is {config['position_embedding_type']!r}, only 'absolute' is understood")
    return config


def read_checkpoint(folder):
    """Reads config and weights (f32, f16 or bf16 on disk) and checks that they agree."""
    config = read_config(folder)
    path = path_in(folder, "model.safetensors")
    try:
        with safe_open(path, framework="numpy") as file:
            names = [name for name in file.keys() if not name.endswith("position_ids")]
            weights = {name.removeprefix("bert."): file.get_tensor(name).astype(np.float32) for name in names}
    except SafetensorError as error:
        raise BadUsage(f"{path}: not a safetensors file: {error}") from error
    try:
        shape = Shape(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            heads=config["num_attention_heads"],
            intermediate=config["intermediate_size"],
            positions=config["max_position_embeddings"],
            types=config["type_vocab_size"],
            vocab=config["vocab_size"],
            activation=config["hidden_act"],
            epsilon=config.get("layer_norm_eps", 1e-12),
            labels=len(weights.get("classifier.weight", ())),
        )
    except KeyError as error:
        raise BadUsage(f"{folder}/config.json: {error} is missing") from error
    if shape.activation not in ACTIVATIONS:
        raise BadUsage(f"{folder}/config.json: hidden_act is {shape.activation!r}, not one of {', '.join(ACTIVATIONS)}")
    for name, expected in tensor_shapes(shape):
        if name not in weights:
            raise BadUsage(f"{path}: tensor {name} is missing")
        if weights[name].shape != expected:
            raise BadUsage(f"{path}: tensor {name} is {list(weights[name].shape)}, config.json asks for {list(expected)}")
    return Checkpoint(shape, weights)


def tensor_shapes(shape, pooler=False):
    """[(name, shape)] of every tensor that the network needs, in the order of the network.

    The list contains the pooler for a classifier, and if `pooler` is true."""
    hidden, inner = shape.hidden, shape.intermediate

    def linear(name, out, width):
        return [(f"{name}.weight", (out, width)), (f"{name}.bias", (out,))]

    def norm(name):
        return [(f"{name}.LayerNorm.weight", (hidden,)), (f"{name}.LayerNorm.bias", (hidden,))]

    rows = [
        ("embeddings.word_embeddings.weight", (shape.vocab, hidden)),
        ("embeddings.position_embeddings.weight", (shape.positions, hidden)),
        ("embeddings.token_type_embeddings.weight", (shape.types, hidden)),
        *norm("embeddings"),
    ]
    for layer in range(shape.layers):
        at = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            rows += linear(f"{at}.attention.self.{part}", hidden, hidden)
        rows += linear(f"{at}.attention.output.dense", hidden, hidden) + norm(f"{at}.attention.output")
        rows += linear(f"{at}.intermediate.dense", inner, hidden)
        rows += linear(f"{at}.output.dense", hidden, inner) + norm(f"{at}.output")
    if pooler or shape.labels:
        rows += linear("pooler.dense", hidden, hidden)
    if shape.labels:
        rows += linear("classifier", shape.labels, hidden)
    return rows


def read_tokenizer(folder, max_tokens):
    """The folder's tokenizer. It truncates to `max_tokens`, special tokens included, and never
    pads."""
    path = path_in(folder, "tokenizer.json")
    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # the only type that the library raises
        raise BadUsage(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
