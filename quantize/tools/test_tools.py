"""Tests of the tools on tiny models, in the environment of quantize/requirements.txt:
`python -m unittest discover quantize/tools`."""
import csv
import hashlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

import eval_data
import export_fp32
import make_tiny
import quantize_ort
from checkpoint import ACTIVATIONS, length_limit, read_checkpoint, read_tokenizer
from ort_engine import ENCODER_INPUTS, feed, mean_pooled, session
from reference import Network
from splitmix import SplitMix64

HERE = os.path.dirname(os.path.abspath(__file__))
FLOAT_TOLERANCE = 1e-4
TINY_SHA256 = "df75743097f15def2a55219b4f7b6ea831a09510194d5e2df5c4f1568aae1140"
# The published stream of seed 1.
FIRST_WORDS = [0x910A2DEC89025CC1, 0xBEEB8DA1658EEC67, 0xF893A2EEFB32555E, 0x71C18690EE42C90B]


def tool(name, *arguments, stdin=""):
    """Runs a tool as its users do."""
    words = [sys.executable, os.path.join(HERE, name), *arguments]
    return subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)


def ids_of(seed, n, vocab=400):
    """int64 [n] token ids."""
    return (SplitMix64(seed).words(n) % vocab).astype(np.int64)


class InFolder(unittest.TestCase):
    """Gives each test an empty folder."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def tiny(self, name="tiny", **options):
        """A checkpoint folder and its fp32 graph."""
        make_tiny.make(self.path(name), **options)
        export_fp32.export(self.path(name), self.path(name + ".onnx"))
        return self.path(name), self.path(name + ".onnx")


class Chance(unittest.TestCase):
    def test_words_are_the_published_stream_however_they_are_drawn(self):
        self.assertEqual(SplitMix64(1).words(4).tolist(), FIRST_WORDS)
        stream = SplitMix64(1)
        self.assertEqual([int(stream.words(1)[0]) for _ in range(4)], FIRST_WORDS)

    def test_gaussians_have_mean_0_and_deviation_1(self):
        g = SplitMix64(7).gaussians(200_000)
        self.assertLess(abs(g.mean()), 0.01)
        self.assertLess(abs(g.std() - 1), 0.01)

    def test_a_shuffle_keeps_every_item(self):
        order = SplitMix64(3).shuffled(100)
        self.assertEqual(sorted(order), list(range(100)))
        self.assertNotEqual(order, list(range(100)))


class Tiny(InFolder):
    def test_the_default_model_is_always_the_same_bytes(self):
        size = make_tiny.make(self.path("tiny"))
        with open(self.path("tiny", "model.safetensors"), "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), TINY_SHA256)
        self.assertLess(size, 300_000)

    def test_types_differ_in_rounding_only(self):
        for dtype in ("f32", "f16"):
            make_tiny.make(self.path(dtype), dtype=dtype)
        single, half = (load_file(self.path(dtype, "model.safetensors")) for dtype in ("f32", "f16"))
        self.assertEqual(list(single), list(half))
        for name, array in single.items():
            np.testing.assert_array_equal(array.astype(np.float16), half[name], name)

    def test_layer_norms_have_outlier_channels(self):
        make_tiny.make(self.path("tiny"))
        tensors = load_file(self.path("tiny", "model.safetensors"))
        inside, last = (tensors[f"encoder.layer.{layer}.output.LayerNorm.weight"] for layer in (0, 1))
        self.assertEqual(np.flatnonzero(inside > 2).tolist(), [5, 36])
        self.assertEqual(np.flatnonzero(last < 0.5).tolist(), [5, 36])

    def test_all_of_ascii_can_be_tokenised(self):
        make_tiny.make(self.path("tiny"))
        tokenizer = read_tokenizer(self.path("tiny"), 128)
        text = "The quick-witted fox, Zygmunt99 & co: jumped (5x)! " + "".join(map(chr, range(33, 127)))
        self.assertNotIn("[UNK]", tokenizer.encode(text).tokens)
        self.assertEqual(tokenizer.encode("Walking 日本").tokens, ["[CLS]", "walking", "日", "本", "[SEP]"])
        self.assertEqual(tokenizer.encode("a b", "c").type_ids, [0, 0, 0, 0, 1, 1])


class LengthLimit(InFolder):
    def test_it_is_the_one_of_sentence_transformers(self):
        def write(name, text):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)

        self.assertEqual(length_limit(self.folder, 512), 512)
        for length, expected in (("128", 128), ("1000000000000000019884624838656", 512), ("1e30", 512), ("null", 512)):
            write("tokenizer_config.json", '{"model_max_length": %s}' % length)
            self.assertEqual(length_limit(self.folder, 512), expected)
        write("sentence_bert_config.json", '\ufeff{"max_seq_length": 256, "do_lower_case": false}')
        self.assertEqual(length_limit(self.folder, 512), 256)
        self.assertEqual(length_limit(self.folder, 40), 40)


class Export(InFolder):
    def run_graph(self, path, ids, types, outputs=None):
        inputs = feed(ids) | {"token_type_ids": types}
        return session(path, inputs=ENCODER_INPUTS).run(outputs, inputs)[0]

    def test_hidden_states_are_those_of_the_plain_network(self):
        for act in ACTIVATIONS:
            with self.subTest(act):
                folder, graph = self.tiny(act, activation=act, layers=1, dtype="f32")
                network, ids = Network(read_checkpoint(folder)), np.stack([ids_of(1, 24), ids_of(2, 24)])
                types = np.arange(48).reshape(2, 24) % 2
                states = self.run_graph(graph, ids, types)
                for row in range(2):
                    wanted = network.hidden_states(ids[row], types[row])
                    np.testing.assert_allclose(states[row], wanted, rtol=0, atol=FLOAT_TOLERANCE)

    def test_the_comparison_notices_another_activation(self):
        folder, _ = self.tiny("gelu", activation="gelu", dtype="f32")
        _, other = self.tiny("gelu_new", activation="gelu_new", dtype="f32")
        ids = ids_of(1, 24)
        wanted = Network(read_checkpoint(folder)).hidden_states(ids, np.zeros_like(ids))
        states = self.run_graph(other, ids[None], np.zeros_like(ids)[None])
        self.assertGreater(np.abs(states[0] - wanted).max(), FLOAT_TOLERANCE)

    def test_a_classifier_gives_the_logits_of_the_plain_network(self):
        folder, graph = self.tiny(labels=3, heads=4)
        ids, types = ids_of(5, 17), np.repeat([0, 1], [9, 8])
        logits = self.run_graph(graph, ids[None], types[None], ["logits"])
        wanted = Network(read_checkpoint(folder)).logits(ids, types)
        np.testing.assert_allclose(logits[0], wanted, rtol=0, atol=FLOAT_TOLERANCE)

    def test_padding_is_not_seen(self):
        _, graph = self.tiny()
        ids, encoder = ids_of(4, 20), session(graph)
        alone = encoder.run(None, feed(ids[None, :12]))[0]
        padded = feed(ids[None])
        padded["attention_mask"][:, 12:] = 0
        np.testing.assert_allclose(encoder.run(None, padded)[0][:, :12], alone, rtol=0, atol=FLOAT_TOLERANCE)

    def test_initializers_are_named_as_in_exports_from_hugging_face(self):
        folder, graph = self.tiny(dtype="f32")
        tensors = {each.name: numpy_helper.to_array(each) for each in onnx.load(graph).graph.initializer}
        weights = read_checkpoint(folder).weights
        for name in ("embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.bias", "encoder.layer.1.output.LayerNorm.weight"):
            np.testing.assert_array_equal(tensors[name], weights[name])
        products = [array for name, array in tensors.items() if name.startswith("onnx::MatMul_")]
        self.assertEqual(len(products), 12)
        np.testing.assert_array_equal(products[0], weights["encoder.layer.0.attention.self.query.weight"].T)

    def test_a_prefix_in_the_file_changes_nothing(self):
        folder, graph = self.tiny()
        tensors = load_file(os.path.join(folder, "model.safetensors"))
        save_file({"bert." + name: array for name, array in tensors.items()}, os.path.join(folder, "model.safetensors"))
        export_fp32.export(folder, self.path("again.onnx"))
        with open(graph, "rb") as one, open(self.path("again.onnx"), "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_a_wrong_checkpoint_is_named(self):
        folder, _ = self.tiny()
        tensors = load_file(os.path.join(folder, "model.safetensors"))
        tensors.pop("encoder.layer.1.output.dense.bias")
        save_file(tensors, os.path.join(folder, "model.safetensors"))
        done = tool("export_fp32.py", folder, self.path("out.onnx"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("encoder.layer.1.output.dense.bias is missing", done.stderr)
        with open(os.path.join(folder, "model.safetensors"), "wb") as file:
            file.write(b"not a checkpoint")
        self.assertEqual(tool("export_fp32.py", folder, self.path("out.onnx")).returncode, 2)
        self.assertEqual(tool("export_fp32.py", self.path("none"), self.path("out.onnx")).returncode, 2)
        self.assertIn("not a multiple", tool("make_tiny.py", self.path("odd"), "--heads", "3").stderr)

    def test_weights_may_be_bfloat16(self):
        folder, _ = self.tiny(dtype="f32")
        path = os.path.join(folder, "model.safetensors")
        tensors = {name: array.astype(ml_dtypes.bfloat16) for name, array in load_file(path).items()}
        save_file(tensors, path)
        for name, array in read_checkpoint(folder).weights.items():
            np.testing.assert_array_equal(array, tensors[name].astype(np.float32))


class Peers(InFolder):
    def test_weights_of_the_int8_graph_are_7_bit_by_channel(self):
        _, graph = self.tiny()
        quantize_ort.quantize(graph, self.path("int8.onnx"))
        tensors = {each.name: numpy_helper.to_array(each) for each in onnx.load(self.path("int8.onnx")).graph.initializer}
        products = {name: array for name, array in tensors.items() if name.startswith("onnx::MatMul_") and name.endswith("_quantized")}
        self.assertEqual(len(products), 12)
        for name, array in products.items():
            self.assertEqual(array.dtype, np.int8)
            self.assertLessEqual(np.abs(array.astype(int)).max(), 64)
            self.assertEqual(tensors[name.replace("_quantized", "_scale")].shape, array.shape[1:])

    def test_a_turn_gives_times_and_means(self):
        _, graph = self.tiny()
        cases = [{"ids": ids_of(1, 8).reshape(1, 8).tolist()}, {"ids": ids_of(2, 12).reshape(2, 6).tolist()}]
        with open(self.path("cases.json"), "w", encoding="utf-8") as file:
            json.dump(cases, file)
        questions = "".join(json.dumps({"engine": "ort-fp32", "case": i, "seconds": 0}) + "\n" for i in (0, 1))
        done = tool("bench_peers.py", self.path("cases.json"), f"ort-fp32={graph}", stdin=questions)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        encoder = session(graph)
        for case, answer in zip(cases, answers, strict=True):
            self.assertTrue(len(answer["ms"]) >= 3 and min(answer["ms"]) > 0)
            np.testing.assert_allclose(answer["floats"], encoder.run(None, feed(case["ids"]))[0].mean(axis=1), rtol=1e-5)
        self.assertEqual(tool("bench_peers.py", self.path("cases.json")).returncode, 2)
        self.assertEqual(tool("bench_peers.py", self.path("cases.json"), graph).returncode, 2)


class Integers(InFolder):
    def ragged(self):
        """A graph with the interface of a quantised model. It computes pooled[b], the sum over the
        tokens of table[id] + 1000 * type."""
        self.table = (np.arange(30).reshape(10, 3) ** 2 - 200).astype(np.int32)
        make = helper.make_node
        nodes = [
            make("Gather", ["table", "input_ids"], ["rows"], axis=0),
            make("Cast", ["token_type_ids"], ["types"], to=TensorProto.INT32),
            make("Mul", ["types", "thousand"], ["offsets"]),
            make("Unsqueeze", ["offsets", "one"], ["column"]),
            make("Add", ["rows", "column"], ["values"]),
            make("CumSum", ["values", "zero"], ["sums"]),
            make("Pad", ["sums", "pads"], ["before"]),
            make("Shape", ["input_ids"], ["end"]),
            make("Slice", ["starts", "one", "end", "zeros"], ["later"]),
            make("Concat", ["later", "end"], ["ends"], axis=0),
            make("Gather", ["before", "ends"], ["upto"], axis=0),
            make("Gather", ["before", "starts"], ["from"], axis=0),
            make("Sub", ["upto", "from"], ["pooled"]),
        ]
        constants = {"table": self.table, "thousand": np.array([1000], np.int32), "one": np.array([1]), "zeros": np.array([0])}
        constants |= {"zero": np.array(0), "pads": np.array([1, 0, 0, 0])}
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, [None]) for n in ("input_ids", "token_type_ids", "starts")]
        outputs = [helper.make_tensor_value_info("pooled", TensorProto.INT32, [None, 3])]
        graph = helper.make_graph(nodes, "g", inputs, outputs, [numpy_helper.from_array(v, n) for n, v in constants.items()])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.path("sum.onnx"))
        return self.path("sum.onnx")

    def test_one_sequence_and_a_ragged_batch(self):
        model = self.ragged()
        requests = [{"ids": [1, 2, 9]}, {"ids": [3], "type_ids": [1]}, {"ids": [[1, 2, 9], [3]], "type_ids": [[0, 0, 0], [1]]}]
        done = tool("ort_integers.py", model, stdin="".join(json.dumps(each) + "\n" for each in requests))
        self.assertEqual(done.returncode, 0, done.stderr)
        one, other, batch = map(json.loads, done.stdout.splitlines())
        self.assertEqual(one, self.table[[1, 2, 9]].sum(0).tolist())
        self.assertEqual(other, (self.table[3] + 1000).tolist())
        self.assertEqual(batch, [one, other])

    def test_bad_requests_and_models_are_refused(self):
        model = self.ragged()
        for line in ("nonsense", "{}", '{"ids": []}', '{"ids": [[1], []]}', '{"ids": [1], "type_ids": [0, 0]}', '{"ids": [1.5]}', '{"ids": ["a"]}'):
            with self.subTest(line):
                done = tool("ort_integers.py", model, stdin='{"ids": [1]}\n' + line + "\n")
                self.assertEqual(done.returncode, 2)
                self.assertIn("line 2", done.stderr)
        _, graph = self.tiny()
        self.assertIn("expected input_ids, starts", tool("ort_integers.py", graph).stderr)


ECHO = """
import json, sys
sys.path.insert(0, {here!r})
from checkpoint import read_tokenizer
from ort_engine import mean_pooled, session
texts = [json.loads(line) for line in sys.stdin]
ids = [each.ids for each in read_tokenizer({folder!r}, int(sys.argv[1])).encode_batch(texts)]
for row in mean_pooled(session({graph!r}), ids, 1):
    print(json.dumps([round(float(value) * 1000) for value in row]))
"""


class Evaluate(InFolder):
    def setUp(self):
        super().setUp()
        self.checkpoint, self.graph = self.tiny()

    def write_csv(self, name, rows):
        path = self.path("data", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    def write_data(self):
        """Writes two data sets whose answers follow from the words, and one file of no known
        kind."""
        nouns = ["bank", "card", "house", "horse", "water", "music"]
        self.write_csv("pairs/dev.csv", [[f"{a} {a} is new", f"{b} {b} is old", 5.0 if a == b else 1.5] for a in nouns for b in nouns])
        labelled = [["text", "category"]] + [[f"{noun} {noun} number {i}", noun] for noun in nouns for i in range(12)]
        self.write_csv("nouns/train.csv", labelled)
        self.write_csv("nouns/test.csv", labelled[:1] + labelled[3::5])
        self.write_csv("other/dev.csv", [["one", "two"], ["a", "b"]])

    def evaluate(self, *more):
        words = ["--data", self.path("data"), "--checkpoint", self.checkpoint, "--fp32", self.graph, "--out", self.path("out.json")]
        done = tool("evaluate.py", *words, *more)
        if done.returncode:
            return done, None
        with open(self.path("out.json"), encoding="utf-8") as file:
            return done, json.load(file)

    def command(self, program):
        """The value of --lockstep that runs `program`."""
        with open(self.path("program.py"), "w", encoding="utf-8") as file:
            file.write(program)
        return shlex.join([sys.executable, self.path("program.py")])

    def test_all_systems_are_measured_on_the_same_tasks(self):
        self.write_data()
        quantize_ort.quantize(self.graph, self.path("int8.onnx"))
        program = ECHO.format(here=HERE, folder=self.checkpoint, graph=self.graph)
        command = self.command(program) + " {max_tokens}"
        done, report = self.evaluate("--lockstep", command, "--ort-int8", self.path("int8.onnx"), "--cache", self.path("cache"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(report["systems"], ["fp32", "lockstep", "ort-int8"])
        metrics = report["metrics"]
        self.assertGreater(metrics["nouns accuracy"]["fp32"], 60)
        self.assertGreater(metrics["pairs/dev Spearman"]["fp32"], 50)
        self.assertGreater(metrics["nouns cosine, min"]["lockstep"], 0.9999)
        self.assertLess(metrics["nouns cosine, min"]["ort-int8"], metrics["nouns cosine, min"]["lockstep"])
        self.assertNotIn("fp32", metrics["nouns cosine, mean"])
        self.assertTrue(any(note.startswith("other/dev.csv is skipped") for note in report["notes"]))
        self.assertTrue(any(note.startswith("long texts of 240") for note in report["notes"]))
        again, repeated = self.evaluate("--cache", self.path("cache"))
        self.assertNotIn("fp32: ", again.stderr)
        self.assertEqual(repeated["metrics"]["nouns accuracy"]["fp32"], metrics["nouns accuracy"]["fp32"])

    def test_a_program_that_misbehaves_is_not_believed(self):
        self.write_data()
        for program, message in (
            ("import sys; sys.exit(3)", "ended with code 3"),
            ("import sys; sys.stdin.read(); print('[1, 2]')", "gave 1 lines for"),
            ("import sys; print('[1.5]'); sys.stdin.read()", "not a JSON array of integers"),
            ("import sys; print('[1]'); print('[1, 2]'); sys.stdin.read()", "the first has 1"),
            ("import sys; [print('[0]') for _ in sys.stdin]", "a vector is zero"),
            ("import sys; [print('[1]') for _ in range(10**5)]", "more lines than"),
        ):
            with self.subTest(message):
                done, _ = self.evaluate("--lockstep", self.command(program))
                self.assertEqual(done.returncode, 1)
                self.assertIn(message, done.stderr)

    def test_bad_usage_is_refused(self):
        self.write_data()
        self.assertEqual(self.evaluate("--max-tokens", "129")[0].returncode, 2)
        self.assertEqual(self.evaluate("--ort-int8", self.path("none.onnx"))[0].returncode, 2)
        self.assertEqual(self.evaluate("--lockstep", "/nonexistent/program")[0].returncode, 2)
        self.assertEqual(tool("evaluate.py", "--data", self.folder).returncode, 2)

    def test_long_texts_fill_their_length_and_use_a_sentence_once(self):
        tokenizer = read_tokenizer(self.checkpoint, 128)
        source = [f"the {word} number {i}" for i in range(40) for word in ("horse", "bank")]
        texts = eval_data.long_texts([source, ["one more"]], tokenizer, 60, 5)
        sizes = [len(tokenizer.encode(text).ids) for text in texts]
        self.assertEqual(len(texts), 5)
        self.assertTrue(all(50 < size <= 60 for size in sizes), sizes)
        self.assertTrue(texts[0].startswith(source[-1]))
        self.assertEqual(len(set(" ".join(texts).split("the "))), len(" ".join(texts).split("the ")))

    def test_a_draw_has_eight_rows_of_each_label(self):
        labels = ["a", "b", "c"] * 20
        draws = eval_data.draws_of(labels)
        self.assertEqual(len(draws), 10)
        self.assertEqual(len({tuple(draw) for draw in draws}), 10)
        for draw in draws:
            self.assertEqual(len(set(draw)), 24)
            self.assertEqual(sorted(labels[i] for i in draw), sorted("abc" * 8))

    def test_mean_pooling_does_not_depend_on_the_batch_rule(self):
        sequences = [ids_of(seed, 3 + seed % 4).tolist() for seed in range(20)]
        alone = mean_pooled(session(self.graph), sequences, 1)
        batched = mean_pooled(session(self.graph), sequences, 8)
        np.testing.assert_allclose(batched, alone, rtol=0, atol=1e-6)


if __name__ == "__main__":
    unittest.main()
