"""Models that sentence-transformers, transformers and torch save here go through `quantize`. Its
vectors are compared with the library's own `encode`: the same truncation, pooling and prompts.

Environment: LOCKSTEP_QUANTIZE, LOCKSTEP_EMBED (programs), LOCKSTEP_TINY (its `checkpoint`),
LOCKSTEP_CHECKPOINT and LOCKSTEP_MODEL (the real model, as a checkpoint and as a model folder).
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize, Pooling, Transformer
from sentencepiece import SentencePieceTrainer, sentencepiece_model_pb2
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from transformers import (
    AutoModel,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    CamembertConfig,
    DistilBertConfig,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
    RobertaTokenizer,
    XLMRobertaConfig,
    XLMRobertaTokenizer,
)

TINY = os.path.join(os.environ["LOCKSTEP_TINY"], "checkpoint")
LEAST = 0.996
TEXTS = [
    "The bank pays cash for the house by the water.",
    "What time does the next train leave the city?",
    "She gave him bread, fish and a letter from his friend.",
    "日本 中文 (water) [fire] {air}",
    "x",
    "tell me why the machine could not find my phone number " * 40,
]


def quantize(checkpoint, out, *arguments):
    """Runs `quantize`: the exit code and what it said on stderr."""
    words = [os.environ["LOCKSTEP_QUANTIZE"], str(checkpoint), "--out", str(out), "--model-id", "same", *arguments]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=600, check=False)
    return done.returncode, done.stderr


def vectors(model, texts):
    """The pooled integers of a model folder."""
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    words = [os.environ["LOCKSTEP_EMBED"], str(model)]
    done = subprocess.run(words, input=lines, capture_output=True, encoding="utf-8", timeout=600, check=True)
    return np.array([json.loads(line) for line in done.stdout.splitlines()], np.float64)


def least_cosine(a, b):
    """The least cosine of two rows at the same place."""
    return float(np.min(np.sum(a * b, 1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))


class Saved(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def model(self, *modules, **settings):
        """A sentence-transformers model of the tiny checkpoint and these modules."""
        return SentenceTransformer(modules=[Transformer(TINY), *modules], device="cpu", **settings)

    def manifest(self, out="out"):
        return json.loads((self.folder / out / "lockstep.json").read_text())

    def agree(self, model, path):
        """Quantizes what was saved at `path`, and compares it with the library's own vectors. Gives
        what `quantize` said."""
        code, said = quantize(path, self.folder / "out")
        self.assertEqual(code, 0, said)
        manifest = self.manifest()
        prompt = manifest.get("prompts", {}).get(manifest.get("default_prompt"), "")
        found = vectors(self.folder / "out", [prompt + text for text in TEXTS])
        expected = model.encode(TEXTS, convert_to_numpy=True).astype(np.float64)
        self.assertGreaterEqual(least_cosine(found, expected), LEAST)
        return said

    def test_pooling(self):
        for mode in ("mean", "cls", "max", "weightedmean"):
            with self.subTest(mode):
                model = self.model(Pooling(64, mode), Normalize())
                model.save(self.folder / mode)
                said = self.agree(model, self.folder / mode)
                self.assertEqual((said, self.manifest()["pooling"]), ("", mode))

    def test_dense(self):
        """Dense layers as in LaBSE (CLS, tanh) and distiluse (mean, tanh, narrower), and others."""
        tanh, identity = torch.nn.Tanh(), torch.nn.Identity()
        for name, mode, layers in (
            ("labse", "cls", [Dense(64, 64, activation_function=tanh), Normalize()]),
            ("max", "max", [Dense(64, 32, activation_function=tanh)]),
            ("distiluse", "mean", [Dense(64, 32, activation_function=tanh)]),
            ("wider", "mean", [Dense(64, 150, bias=False, activation_function=identity), Normalize()]),
            ("two", "mean", [Dense(64, 96, activation_function=identity), Dense(96, 48, activation_function=tanh)]),
        ):
            with self.subTest(name):
                torch.manual_seed(5)
                for layer in layers:
                    for weight in layer.parameters():
                        torch.nn.init.normal_(weight, std=0.2)
                model = self.model(Pooling(64, mode), *layers)
                model.save(self.folder / name)
                said = self.agree(model, self.folder / name)
                self.assertEqual((said, self.manifest()["pooling"]), ("", mode))
                width = model.get_embedding_dimension()
                self.assertEqual(self.manifest().get("dimensions", 64), width)
                self.assertEqual(vectors(self.folder / "out", TEXTS).shape[1], width)

    def test_the_length_limit(self):
        model = self.model(Pooling(64, "mean"))
        for limit in (128, 20):
            model.max_seq_length = limit
            model.save(self.folder / "limit")
            self.agree(model, self.folder / "limit")
            self.assertEqual(self.manifest()["max_input_length"], limit)

    def test_prompts(self):
        prompts = {"query": "the bank: ", "passage": "a long letter: "}
        for name in (None, "query", "passage"):
            model = self.model(Pooling(64, "mean"), prompts=prompts, default_prompt_name=name)
            model.save(self.folder / "prompts")
            self.agree(model, self.folder / "prompts")
            manifest = self.manifest()
            self.assertEqual(manifest["prompts"], prompts | {"document": ""})
            self.assertEqual(manifest.get("default_prompt"), name)

    def test_half_precision(self):
        for name, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16)):
            with self.subTest(name):
                self.model(Pooling(64, "mean")).to(dtype).save(self.folder / name)
                whole = SentenceTransformer(str(self.folder / name), device="cpu", model_kwargs={"dtype": torch.float32})
                self.agree(whole, self.folder / name)

    def test_shards_and_exports_give_the_same_bytes(self):
        model = AutoModel.from_pretrained(TINY, attn_implementation="eager").eval()
        model.save_pretrained(self.folder / "whole")
        model.save_pretrained(self.folder / "shards", max_shard_size="100KB")
        self.assertTrue((self.folder / "shards/model.safetensors.index.json").is_file())
        ids = torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
        axes = {0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("tokens", min=2, max=128)}
        (self.folder / "dynamo").mkdir()
        shapes = dict.fromkeys(inputs, axes)
        torch.onnx.export(model, (), self.folder / "dynamo/model.onnx", kwargs=inputs, dynamo=True, dynamic_shapes=shapes)
        self.assertTrue((self.folder / "dynamo/model.onnx.data").is_file())
        (self.folder / "script").mkdir()
        names = {name: {0: "batch", 1: "tokens"} for name in inputs}
        options = {"dynamo": False, "input_names": list(inputs), "dynamic_axes": names, "opset_version": 17}
        torch.onnx.export(Hidden(model), tuple(inputs.values()), self.folder / "script/model.onnx", **options)
        written = {}
        for name in ("whole", "shards", "dynamo", "script"):
            for file in ("config.json", "tokenizer.json"):
                shutil.copy(os.path.join(TINY, file), self.folder / name)
            code, said = quantize(self.folder / name, self.folder / f"{name}-out")
            self.assertEqual(code, 0, f"{name}: {said}")
            written[name] = (self.folder / f"{name}-out/model.onnx").read_bytes()
        for name, found in written.items():
            self.assertEqual(found, written["whole"], name)

    def test_a_classifier(self):
        config = BertConfig.from_pretrained(TINY, num_labels=3)
        BertForSequenceClassification(config).save_pretrained(self.folder / "classifier")
        shutil.copy(os.path.join(TINY, "tokenizer.json"), self.folder / "classifier")
        code, said = quantize(self.folder / "classifier", self.folder / "out")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.manifest()["labels"], ["LABEL_0", "LABEL_1", "LABEL_2"])

    def tokenizer(self, folder):
        """The tokenizer of the tiny checkpoint, for a network of another family."""
        shutil.copy(os.path.join(TINY, "tokenizer.json"), folder)
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 128, "pad_token": "[PAD]"}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))

    def test_families(self):
        names = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
        roberta = names | {"vocab_size": 400, "pad_token_id": 0, "max_position_embeddings": 129}
        distil = {"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128, "vocab_size": 400}
        for config in (
            RobertaConfig(**roberta, type_vocab_size=1),
            XLMRobertaConfig(**roberta, type_vocab_size=2, layer_norm_eps=1e-5),
            CamembertConfig(**roberta, type_vocab_size=1),
            DistilBertConfig(**distil, max_position_embeddings=128),
            DistilBertConfig(**distil, max_position_embeddings=128, sinusoidal_pos_embds=True, activation="relu"),
        ):
            with self.subTest(config.model_type):
                torch.manual_seed(1)
                folder = self.folder / config.model_type
                AutoModel.from_config(config).save_pretrained(folder)
                self.tokenizer(folder)
                model = SentenceTransformer(modules=[Transformer(str(folder)), Pooling(64, "mean")], device="cpu")
                model.save(self.folder / "saved")
                self.agree(model, self.folder / "saved")

    def test_a_classifier_of_roberta(self):
        torch.manual_seed(2)
        sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
        config = RobertaConfig(
            **sizes, vocab_size=400, pad_token_id=0, max_position_embeddings=129, type_vocab_size=2, num_labels=2
        )
        model = RobertaForSequenceClassification(config).eval()
        with torch.no_grad():
            model.classifier.out_proj.weight.mul_(50)
        folder = self.folder / "roberta"
        model.save_pretrained(folder)
        self.tokenizer(folder)
        code, said = quantize(folder, self.folder / "out")
        self.assertEqual(code, 0, said)
        tokens = Tokenizer.from_file(os.path.join(TINY, "tokenizer.json"))
        tokens.enable_truncation(128)
        ids = [tokens.encode(text).ids for text in TEXTS]
        with torch.no_grad():
            expected = np.array([model(torch.tensor([row])).logits[0].tolist() for row in ids])
        found = vectors(self.folder / "out", TEXTS) * self.manifest()["logit_unit"]
        self.assertLess(float(np.max(np.abs(found - expected))), 0.05 * float(np.ptp(expected)) + 0.02)

    def test_a_unigram_tokenizer(self):
        """A BERT network with the tokenizer of XLM-RoBERTa, as multilingual MiniLM and e5 are."""
        lines = [text.replace("[", "(") for text in TEXTS] * 50
        lines += ["Привет, мир!", "naïve café Übergröße", "한국어 문장입니다", "ไทยแลนด์ हिन्दी", "ﷺ ① ㌀"] * 50
        (self.folder / "lines.txt").write_text("\n".join(lines))
        SentencePieceTrainer.train(
            input=str(self.folder / "lines.txt"), model_prefix=str(self.folder / "pieces"), vocab_size=300,
            hard_vocab_limit=False, model_type="unigram", minloglevel=2,
        )
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString((self.folder / "pieces.model").read_bytes())
        special = [(text, 0.0) for text in ("<s>", "<pad>", "</s>", "<unk>")]
        vocab = [*special, *((piece.piece, piece.score) for piece in proto.pieces[3:]), ("<mask>", 0.0)]
        charsmap = proto.normalizer_spec.precompiled_charsmap
        tokenizer = XLMRobertaTokenizer(vocab=vocab, _spm_precompiled_charsmap=charsmap, model_max_length=100)
        folder = self.folder / "multilingual"
        tokenizer.save_pretrained(folder)
        torch.manual_seed(3)
        sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
        BertModel(BertConfig(**sizes, vocab_size=len(tokenizer))).save_pretrained(folder)
        model = SentenceTransformer(modules=[Transformer(str(folder)), Pooling(64, "mean")], device="cpu")
        model.save(self.folder / "saved")
        self.agree(model, self.folder / "saved")
        self.assertEqual(self.manifest()["max_input_length"], 100)
        more = ["e\u0301 ①\u0301 \u200d x", "ﷺ  \t 한국어", "<s> <mask> </s>", "▁▁ ▁x", "👩\u200d👧 🇩🇪"]
        found = vectors(self.folder / "out", more)
        self.assertGreaterEqual(least_cosine(found, model.encode(more).astype(np.float64)), LEAST)

    def test_a_byte_level_tokenizer(self):
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        trained = ByteLevelBPETokenizer()
        trained.train_from_iterator(TEXTS * 20, vocab_size=500, special_tokens=special, show_progress=False)
        model = json.loads(trained.to_str())["model"]
        merges = [tuple(pair) for pair in model["merges"]]
        for prefix in (False, True):
            with self.subTest(prefix=prefix):
                tokenizer = RobertaTokenizer(
                    vocab=model["vocab"], merges=merges, add_prefix_space=prefix, model_max_length=100
                )
                folder = self.folder / f"roberta-{prefix}"
                tokenizer.save_pretrained(folder)
                torch.manual_seed(4)
                sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
                config = RobertaConfig(
                    **sizes, vocab_size=len(tokenizer), pad_token_id=1, type_vocab_size=1, max_position_embeddings=130
                )
                RobertaModel(config).save_pretrained(folder)
                modules = [Transformer(str(folder)), Pooling(64, "mean")]
                model_here = SentenceTransformer(modules=modules, device="cpu")
                model_here.save(self.folder / "saved")
                self.agree(model_here, self.folder / "saved")
                more = ["don't  stop", "日本\n\n語 x", " a <mask> b</s>", "'S 12½ ...", "👩\u200d👧\u00a0é"]
                found = vectors(self.folder / "out", more)
                self.assertGreaterEqual(least_cosine(found, model_here.encode(more).astype(np.float64)), LEAST)

    def test_what_is_not_carried_is_named(self):
        for name, modules, words in (
            ("dense", [Pooling(64, "mean"), Dense(64, 32, activation_function=torch.nn.GELU())], "activation.GELU"),
            ("residual", [Pooling(64, "mean"), Dense(64, 32, use_residual=True)], "use_residual is true"),
            ("norm", [Pooling(64, "mean"), LayerNorm(64)], "[2].type is a LayerNorm"),
            ("last", [Pooling(64, "lasttoken")], 'pooling_mode is "lasttoken"'),
            ("both", [Pooling(64, ("cls", "mean"))], "cls, mean"),
        ):
            with self.subTest(name):
                self.model(*modules).save(self.folder / name)
                code, said = quantize(self.folder / name, self.folder / "out")
                self.assertEqual((code, len(said.splitlines())), (2, 1), said)
                self.assertIn(words, said)

    def test_the_real_model(self):
        reference = SentenceTransformer(os.environ["LOCKSTEP_CHECKPOINT"], device="cpu")
        text = "Hello world, " * 3000
        # The integers of a single letter are less exact (cosine 0.9952).
        texts = [*(each for each in TEXTS if each != "x"), text[:1100], text[:1200], text]
        self.assertEqual(reference.max_seq_length, 256)
        expected = reference.encode(texts, convert_to_numpy=True).astype(np.float64)
        found = vectors(os.environ["LOCKSTEP_MODEL"], texts)
        self.assertGreaterEqual(least_cosine(found, expected), LEAST)


class Hidden(torch.nn.Module):
    """The network with its hidden states as the only output."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids, attention_mask, token_type_ids).last_hidden_state


if __name__ == "__main__":
    unittest.main()
