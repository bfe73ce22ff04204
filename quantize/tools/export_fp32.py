#!/usr/bin/env python3
"""Writes a BERT checkpoint as an fp32 ONNX graph like those that people export from Hugging Face.

    export_fp32.py CHECKPOINT_DIR OUT.onnx

The graph is what torch.onnx gives for BertModel, or for BertForSequenceClassification if the folder
has a classifier:
- biases, LayerNorm and embedding tensors keep their module paths, with `bert.` in front for a
  classifier;
- the weights of MatMul nodes are transposed to [in, out] and anonymous (`onnx::MatMul_123`);
- Gemm nodes keep named [out, in] weights.

inputs   input_ids, attention_mask, token_type_ids   int64 [batch, sequence]
output   last_hidden_state f32 [batch, sequence, hidden], or logits f32 [batch, labels]
"""
import argparse
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from checkpoint import read_checkpoint
from cli import run

OPSET, IR_VERSION = 17, 8
FIRST_ANONYMOUS = 500  # exporters number all values of a graph; the weights come last


class Graph:
    """Nodes and initializers under construction. Each method returns the name of the value it
    made."""

    def __init__(self):
        self.nodes, self.named, self.anonymous = [], [], []

    def op(self, kind, inputs, scope, **attributes):
        """Adds a node with one output. Its name is `<scope>/<kind>`, as exporters name it, followed
        by `_1`, `_2` for the next nodes of the kind in the scope."""
        stem = f"{scope}/{kind}"
        count = sum(node.op_type == kind and node.name.rpartition("/")[0] == scope for node in self.nodes)
        name = f"{stem}_{count}" if count else stem
        output = f"{name}_output_0"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, **attributes))
        return output

    def constant(self, value, scope):
        """A Constant node."""
        return self.op("Constant", [], scope, value=numpy_helper.from_array(np.asarray(value)))

    def initializer(self, name, array):
        """A tensor under its own name."""
        self.named.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def matmul_weight(self, weight):
        """A linear weight [out, in], stored [in, out] under an anonymous name."""
        name = f"onnx::MatMul_{FIRST_ANONYMOUS + 3 * len(self.anonymous)}"
        self.anonymous.append(numpy_helper.from_array(np.ascontiguousarray(weight.T), name))
        return name


class Exporter:
    """Walks through the network once and emits its nodes."""

    def __init__(self, checkpoint):
        self.shape, self.weights = checkpoint.shape, checkpoint.weights
        self.prefix = "bert." if self.shape.labels else ""
        self.root = "/bert" if self.shape.labels else ""
        self.g = Graph()

    def tensor(self, name):
        """A parameter under its module path."""
        prefix = "" if name.startswith("classifier.") else self.prefix
        return self.g.initializer(prefix + name, self.weights[name])

    def scope(self, module):
        """`encoder.layer.0.output.dense` -> `/encoder/layer.0/output/dense`."""
        path = module.replace(".", "/").replace("layer/", "layer.")
        return f"{self.root}/{path}"

    def linear(self, x, module):
        """x [.., in] -> [.., out]."""
        scope = self.scope(module)
        product = self.g.op("MatMul", [x, self.g.matmul_weight(self.weights[module + ".weight"])], scope)
        return self.g.op("Add", [self.tensor(module + ".bias"), product], scope)

    def layer_norm(self, x, module):
        """x [.., hidden] -> the same shape."""
        inputs = [x, self.tensor(module + ".weight"), self.tensor(module + ".bias")]
        return self.g.op("LayerNormalization", inputs, self.scope(module), axis=-1, epsilon=self.shape.epsilon)

    def reshape(self, x, tail, scope):
        """x [batch, sequence, ..] -> [batch, sequence, *tail], with the first two sizes taken at
        run time."""
        g, sizes = self.g, []
        for axis in (0, 1):
            size = g.op("Gather", [g.op("Shape", [x], scope), g.constant(np.int64(axis), scope)], scope, axis=0)
            sizes.append(g.op("Unsqueeze", [size, g.constant(np.array([0]), scope)], scope))
        sizes += [g.constant(np.array([size]), scope) for size in tail]
        return g.op("Reshape", [x, g.op("Concat", sizes, scope, axis=0)], scope)

    def embeddings(self):
        """[batch, sequence, hidden] from the three tables."""
        g, scope = self.g, self.scope("embeddings")

        def table(kind, indices):
            module = f"embeddings.{kind}_embeddings"
            return g.op("Gather", [self.tensor(module + ".weight"), indices], self.scope(module))

        length = g.op("Gather", [g.op("Shape", ["input_ids"], scope), g.constant(np.int64(1), scope)], scope, axis=0)
        end = g.op("Unsqueeze", [length, g.constant(np.array([0]), scope)], scope)
        every = g.initializer(self.prefix + "embeddings.position_ids", np.arange(self.shape.positions)[None])
        begin, axis = g.constant(np.array([0]), scope), g.constant(np.array([1]), scope)
        positions = g.op("Slice", [every, begin, end, axis], scope)
        x = g.op("Add", [table("word", "input_ids"), table("token_type", "token_type_ids")], scope)
        x = g.op("Add", [x, table("position", positions)], scope)
        return self.layer_norm(x, "embeddings.LayerNorm")

    def mask(self):
        """f32 [batch, 1, 1, sequence]: 0 for a token, the lowest float for padding."""
        g, scope = self.g, self.root
        m = g.op("Unsqueeze", ["attention_mask", g.constant(np.array([1]), scope)], scope)
        m = g.op("Unsqueeze", [m, g.constant(np.array([2]), scope)], scope)
        m = g.op("Sub", [g.constant(np.float32(1), scope), g.op("Cast", [m], scope, to=TensorProto.FLOAT)], scope)
        return g.op("Mul", [m, g.constant(np.finfo(np.float32).min, scope)], scope)

    def attention(self, x, module, mask):
        """Self-attention with its output projection, without the residual."""
        g, scope = self.g, self.scope(module + ".self")
        width = self.shape.head_width

        def heads(part, order):
            y = self.reshape(self.linear(x, f"{module}.self.{part}"), [self.shape.heads, width], scope)
            return g.op("Transpose", [y], scope, perm=order)

        query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
        scores = g.op("Div", [g.op("MatMul", [query, key], scope), g.constant(np.float32(math.sqrt(width)), scope)], scope)
        chances = g.op("Softmax", [g.op("Add", [scores, mask], scope)], scope, axis=-1)
        context = g.op("Transpose", [g.op("MatMul", [chances, value], scope)], scope, perm=[0, 2, 1, 3])
        return self.linear(self.reshape(context, [self.shape.hidden], scope), f"{module}.output.dense")

    def activation(self, x, module):
        """The feed-forward non-linearity of config.json's hidden_act, element by element."""
        g, scope = self.g, self.scope(module) + "/intermediate_act_fn"

        def constant(value):
            return g.constant(np.float32(value), scope)

        if self.shape.activation == "relu":
            return g.op("Relu", [x], scope)
        if self.shape.activation == "gelu":
            erf = g.op("Erf", [g.op("Div", [x, constant(math.sqrt(2))], scope)], scope)
            y = g.op("Mul", [x, g.op("Add", [erf, constant(1)], scope)], scope)
            return g.op("Mul", [y, constant(0.5)], scope)
        cubic = g.op("Mul", [g.op("Pow", [x, constant(3)], scope), constant(0.044715)], scope)
        inner = g.op("Mul", [g.op("Add", [x, cubic], scope), constant(math.sqrt(2 / math.pi))], scope)
        bracket = g.op("Add", [g.op("Tanh", [inner], scope), constant(1)], scope)
        return g.op("Mul", [g.op("Mul", [x, constant(0.5)], scope), bracket], scope)

    def layer(self, x, index, mask):
        """One encoder layer."""
        at = f"encoder.layer.{index}"
        y = self.attention(x, f"{at}.attention", mask)
        y = self.g.op("Add", [y, x], self.scope(f"{at}.attention.output"))
        x = self.layer_norm(y, f"{at}.attention.output.LayerNorm")
        y = self.activation(self.linear(x, f"{at}.intermediate.dense"), f"{at}.intermediate")
        y = self.g.op("Add", [self.linear(y, f"{at}.output.dense"), x], self.scope(f"{at}.output"))
        return self.layer_norm(y, f"{at}.output.LayerNorm")

    def gemm(self, x, module):
        """A linear layer on [batch, in]: one Gemm with its weight as [out, in]."""
        scope = "/classifier" if module == "classifier" else self.scope(module)
        return self.g.op("Gemm", [x, self.tensor(module + ".weight"), self.tensor(module + ".bias")], scope, transB=1)

    def classifier(self, x):
        """[batch, sequence, hidden] -> [batch, labels], from the first token."""
        scope = self.scope("pooler")
        first = self.g.op("Gather", [x, self.g.constant(np.int64(0), scope)], scope, axis=1)
        return self.gemm(self.g.op("Tanh", [self.gemm(first, "pooler.dense")], scope), "classifier")

    def model(self):
        """The finished ModelProto."""
        mask, x = self.mask(), self.embeddings()
        for index in range(self.shape.layers):
            x = self.layer(x, index, mask)
        name, sizes = "last_hidden_state", ["batch_size", "sequence_length", self.shape.hidden]
        if self.shape.labels:
            x, name, sizes = self.classifier(x), "logits", ["batch_size", self.shape.labels]
        self.g.nodes[-1].output[0] = name
        inputs = [
            helper.make_tensor_value_info(each, TensorProto.INT64, ["batch_size", "sequence_length"])
            for each in ("input_ids", "attention_mask", "token_type_ids")
        ]
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)]
        graph = helper.make_graph(self.g.nodes, "main_graph", inputs, outputs, self.g.named + self.g.anonymous)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="export_fp32")


def export(folder, out):
    """Reads the checkpoint in `folder` and writes `out`."""
    model = Exporter(read_checkpoint(folder)).model()
    onnx.checker.check_model(model)
    onnx.save(model, out)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", metavar="CHECKPOINT_DIR")
    parser.add_argument("out", metavar="OUT.onnx")
    args = parser.parse_args()
    model = export(args.checkpoint, args.out)
    print(f"{args.out}: {len(model.graph.node)} nodes, {len(model.graph.initializer)} initializers, output {model.graph.output[0].name}")


if __name__ == "__main__":
    run(main)
