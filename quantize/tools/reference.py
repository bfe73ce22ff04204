"""The network in plain numpy f64, written from the published description of BERT.

The tests compare the tools' graphs with it. It is slow, and it shares no code with the exporter."""
import math

import numpy as np
from scipy.special import erf


def activation(kind, x):
    """The activation that hidden_act of config.json names, element by element."""
    if kind == "relu":
        return np.maximum(x, 0)
    if kind == "gelu":
        return x * 0.5 * (1 + erf(x / math.sqrt(2)))
    # gelu_new and gelu_pytorch_tanh
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


class Network:
    """Computes one sequence at a time. `checkpoint` is a checkpoint.Checkpoint."""

    def __init__(self, checkpoint):
        self.shape = checkpoint.shape
        self.weights = {name: array.astype(np.float64) for name, array in checkpoint.weights.items()}

    def linear(self, x, module):
        """x [.., in] -> [.., out]."""
        return x @ self.weights[module + ".weight"].T + self.weights[module + ".bias"]

    def norm(self, x, module):
        """LayerNorm over the last axis."""
        centred = x - x.mean(-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + self.shape.epsilon)
        return centred / deviation * self.weights[module + ".weight"] + self.weights[module + ".bias"]

    def heads(self, x, module):
        """x [n, hidden] -> [heads, n, head width]."""
        y = self.linear(x, module)
        return y.reshape(len(y), self.shape.heads, self.shape.head_width).transpose(1, 0, 2)

    def hidden_states(self, ids, types):
        """ids, types int [n] -> f64 [n, hidden]."""
        tables = (("word", ids), ("position", np.arange(len(ids))), ("token_type", types))
        x = sum(self.weights[f"embeddings.{kind}_embeddings.weight"][rows] for kind, rows in tables)
        x = self.norm(x, "embeddings.LayerNorm")
        for layer in range(self.shape.layers):
            at = f"encoder.layer.{layer}"
            query, key, value = (self.heads(x, f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
            scores = query @ key.transpose(0, 2, 1) / math.sqrt(self.shape.head_width)
            powers = np.exp(scores - scores.max(-1, keepdims=True))
            context = (powers / powers.sum(-1, keepdims=True)) @ value
            context = context.transpose(1, 0, 2).reshape(len(x), self.shape.hidden)
            x = self.norm(x + self.linear(context, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
            inner = activation(self.shape.activation, self.linear(x, f"{at}.intermediate.dense"))
            x = self.norm(x + self.linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return x

    def logits(self, ids, types):
        """The logits of a classifier: f64 [labels]."""
        first = self.hidden_states(ids, types)[0]
        return self.linear(np.tanh(self.linear(first, "pooler.dense")), "classifier")
