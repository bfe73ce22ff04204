"""The clients of OpenAI, Hugging Face, LangChain, LlamaIndex, Cohere, Triton, Prometheus, as users
call them; over TLS those of OpenAI, OpenSSL and curl; a collector of OpenTelemetry.

Environment: LOCKSTEP_HOST (the daemon) and LOCKSTEP_TINY (its `model` and its classifier `labels`).
"""
import gzip
import http.client
import http.server
import json
import os
import queue
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.request

import cohere
import numpy as np
import openai
from huggingface_hub import InferenceClient
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families
from tokenizers import Tokenizer
import tritonclient.http as triton

from daemon import PATIENCE, Daemon

TINY = os.environ["LOCKSTEP_TINY"]
TEXTS = ["The bank pays cash for the house.", "", " ", "日本 中文", "She gave him bread and fish."]


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(os.path.join(TINY, "model"))
        cls.addClassCleanup(cls.daemon.stop)
        cls.labels = Daemon(os.path.join(TINY, "labels"))
        cls.addClassCleanup(cls.labels.stop)
        status, vectors = cls.daemon.ask("/embed", {"inputs": TEXTS})
        assert status == 200, vectors
        cls.expected = np.array(vectors, np.float32)

    def same(self, found, expected=None):
        found = np.array(found, np.float32)
        np.testing.assert_array_equal(found, self.expected if expected is None else expected)


class OpenAi(Clients):
    def setUp(self):
        client = openai.OpenAI(base_url=f"{self.daemon.url}/v1", api_key="any", timeout=PATIENCE, max_retries=0)
        self.addCleanup(client.close)
        self.client = client

    def embed(self, given, **more):
        answer = self.client.embeddings.create(model="any", input=given, **more)
        self.assertEqual([one.index for one in answer.data], list(range(len(answer.data))))
        return [one.embedding for one in answer.data]

    def test_texts(self):
        # The client asks for base64 where its user asks for nothing.
        self.same(self.embed(TEXTS))
        self.same(self.embed(TEXTS, encoding_format="float"))
        self.same(self.embed(TEXTS, encoding_format="base64") and self.embed(TEXTS, user="me"))
        self.same(self.embed(TEXTS[0]), self.expected[:1])
        self.assertEqual(len(self.embed("a", dimensions=8)[0]), 8)
        more = {"input_type": "query", "truncate_prompt_tokens": None, "prompt_name": None, "priority": 1}
        self.same(self.embed(TEXTS, extra_body=more))

    def test_token_ids(self):
        ids = [[2, 9, 8, 3], [7]]
        both = self.embed(ids)
        self.same(self.embed(ids[0]), np.array(both[:1], np.float32))
        answer = self.client.embeddings.create(model="any", input=ids)
        self.assertEqual(answer.usage.prompt_tokens, 5)
        # The vocabulary of OpenAI's models is another one.
        with self.assertRaises(openai.UnprocessableEntityError) as refused:
            self.embed([[9906, 1917]])
        self.assertIn("input[0][0]", refused.exception.message)
        self.assertIn("check_embedding_ctx_length=False", refused.exception.message)

    def test_refusals(self):
        for given in ["", []]:
            with self.assertRaises(openai.BadRequestError) as refused:
                self.embed(given)
            self.assertEqual((refused.exception.code, refused.exception.param), ("empty", "input"))
            self.assertEqual(refused.exception.type, "invalid_request_error")
        with self.assertRaises(openai.NotFoundError) as refused:
            self.client.chat.completions.create(model="any", messages=[{"role": "user", "content": "x"}])
        self.assertIn("/v1/embeddings", refused.exception.message)
        with self.assertRaises(openai.APIStatusError) as refused:
            self.embed(["x" * 60_000] * 200)
        self.assertEqual(refused.exception.status_code, 413)

    def test_models(self):
        self.assertEqual([model.id for model in self.client.models.list()], ["tiny"])


class HuggingFace(Clients):
    def test_feature_extraction(self):
        client = InferenceClient(timeout=PATIENCE)
        for url in [self.daemon.url, f"{self.daemon.url}/embed"]:
            self.same(client.feature_extraction(TEXTS, model=url))
            self.same(client.feature_extraction(TEXTS[0], model=url), self.expected[:1])
            self.same(client.feature_extraction(TEXTS, model=url, truncate=True, truncation_direction="right"))
            raw = client.feature_extraction(TEXTS, model=url, normalize=False)
            self.same(raw, np.array(self.daemon.ask("/embed", {"inputs": TEXTS, "normalize": False})[1], np.float32))

    def test_sentence_similarity(self):
        client = InferenceClient(timeout=PATIENCE)
        for url in [self.daemon.url, f"{self.daemon.url}/similarity"]:
            found = client.sentence_similarity(TEXTS[0], other_sentences=TEXTS, model=url)
            # Texts are compared by vectors of 16 bits.
            np.testing.assert_allclose(found, self.expected @ self.expected[0], atol=2e-5)
            self.assertEqual(found[0], 1.0)

    def test_text_classification(self):
        client = InferenceClient(timeout=PATIENCE, model=self.labels.url)
        expected = self.labels.ask("/predict", {"inputs": TEXTS[0]})[1]
        found = client.text_classification(TEXTS[0])
        self.assertEqual([(one.label, one.score) for one in found], [(one["label"], one["score"]) for one in expected])
        self.assertAlmostEqual(sum(one.score for one in found), 1)
        best = client.text_classification(TEXTS[0], top_k=1, function_to_apply="none")
        self.assertEqual([one.label for one in best], [found[0].label])
        raw = self.labels.ask("/predict", {"inputs": TEXTS[0], "raw_scores": True})[1]
        self.assertEqual(best[0].score, raw[0]["score"])


class LangChain(Clients):
    def test_embeddings(self):
        settings = {"base_url": f"{self.daemon.url}/v1", "api_key": "any", "model": "any", "timeout": PATIENCE}
        embeddings = OpenAIEmbeddings(**settings, check_embedding_ctx_length=False)
        self.same(embeddings.embed_documents(TEXTS))
        self.same([embeddings.embed_query(TEXTS[0])], self.expected[:1])


class LlamaIndex(Clients):
    def check(self, client):
        self.same(client.get_text_embedding_batch(TEXTS))
        self.same([client.get_query_embedding(TEXTS[0])], self.expected[:1])

    def test_text_embeddings_inference(self):
        self.check(TextEmbeddingsInference(model_name="any", base_url=self.daemon.url, timeout=PATIENCE))

    def test_openai(self):
        settings = {"api_base": f"{self.daemon.url}/v1", "api_key": "any", "timeout": PATIENCE, "max_retries": 0}
        self.check(OpenAIEmbedding(model_name="any", **settings))


class Tokens(Clients):
    """`/tokenize` and `/decode` beside Hugging Face's own tokenizers with the same file."""

    HOSTILE = TEXTS[1:] + [
        "Café NAÏVE e\u0301\u0316 q\u0307\u0323",
        "中文hello日本語 한국어 हिन्दी ไทย",
        "👩\u200d👩\u200d👧 🇩🇪 👍🏽 \u202eעברית",
        "a\u0000b\ufffdc\u00add\u200be\ufeff",
        "İstanbul ΣΑΣ ﬁ ½ ẞ \U0002f800",
        "[CLS] x [SEP][MASK] [sep] ##ing",
        "don't u.s.a. a-b_c $5+3=8",
        " \t\r\n\u00a0 the  bank ",
        "x" * 300,
    ]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = Tokenizer.from_file(os.path.join(TINY, "model", "tokenizer.json"))
        cls.own.no_truncation()
        cls.own.no_padding()

    def encoded(self, text, special):
        """text-embeddings-inference's answer to an encoding. Python counts characters."""
        bytes_before = [len(text[:at].encode()) for at in range(len(text) + 1)]
        found = self.own.encode(text, add_special_tokens=special)
        tokens = zip(found.ids, found.tokens, found.offsets, found.special_tokens_mask)
        for id, name, (start, stop), mask in tokens:
            if mask:
                yield {"id": id, "text": name, "special": True, "start": None, "stop": None}
            else:
                place = {"start": bytes_before[start], "stop": bytes_before[stop]}
                yield {"id": id, "text": text[start:stop], "special": False, **place}

    def test_tokenize(self):
        for special in [True, False]:
            asked = {"inputs": self.HOSTILE, "add_special_tokens": special}
            status, found = self.daemon.ask("/tokenize", asked)
            self.assertEqual(status, 200, found)
            for text, tokens in zip(self.HOSTILE, found, strict=True):
                self.assertEqual(tokens, list(self.encoded(text, special)), ascii(text))
        self.assertEqual(self.daemon.ask("/tokenize", {"inputs": "bank"})[1], [list(self.encoded("bank", True))])

    def test_decode(self):
        lists = [self.own.encode(text).ids for text in self.HOSTILE]
        for skip in [True, False]:
            status, found = self.daemon.ask("/decode", {"ids": lists, "skip_special_tokens": skip})
            self.assertEqual(status, 200, found)
            self.assertEqual(found, self.own.decode_batch(lists, skip_special_tokens=skip))
        self.assertEqual(self.daemon.ask("/decode", {"ids": lists[0]})[1], [self.own.decode(lists[0])])


class Cohere(Clients):
    def setUp(self):
        settings = {"api_key": "any", "base_url": self.daemon.url, "timeout": PATIENCE}
        self.clients = [self.enterContext(kind(**settings)) for kind in (cohere.Client, cohere.ClientV2)]

    def test_rerank(self):
        expected = [(one["index"], one["score"]) for one in self.daemon.ask("/rerank", {"query": "bank", "texts": TEXTS})[1]]
        for client in self.clients:
            answer = client.rerank(model="any", query="bank", documents=TEXTS)
            self.assertEqual([(one.index, one.relevance_score) for one in answer.results], expected)
            self.assertGreater(answer.meta.tokens.input_tokens, 0)
            best = client.rerank(model="any", query="bank", documents=TEXTS, top_n=2).results
            self.assertEqual([(one.index, one.relevance_score) for one in best], expected[:2])
        # Only the older interface can repeat the documents.
        told = self.clients[0].rerank(model="any", query="bank", documents=[{"text": one} for one in TEXTS], return_documents=True)
        self.assertEqual([one.document.text for one in told.results], [TEXTS[index] for index, _ in expected])

    def test_embed(self):
        older, newer = self.clients
        asked = {"model": "any", "texts": TEXTS, "input_type": "search_document"}
        self.same(older.embed(**asked).embeddings)
        for client in self.clients:
            self.same(client.embed(**asked, embedding_types=["float"]).embeddings.float_)
        self.assertEqual(newer.embed(**asked, embedding_types=["float"]).texts, TEXTS)
        self.assertEqual(len(newer.embed(**asked, embedding_types=["float"], output_dimension=8).embeddings.float_[0]), 8)

    def test_refusals(self):
        with self.assertRaises(cohere.errors.UnprocessableEntityError) as refused:
            self.clients[1].embed(model="any", texts=["a"], input_type="search_query", embedding_types=["int8"])
        self.assertIn("embedding_types[0]", refused.exception.body["message"])
        with self.assertRaises(cohere.errors.BadRequestError) as refused:
            self.clients[0].rerank(model="any", query="bank", documents=[])
        self.assertIn("documents", refused.exception.body["message"])


class Triton(Clients):
    def setUp(self):
        settings = {"connection_timeout": PATIENCE, "network_timeout": PATIENCE}
        self.client = triton.InferenceServerClient(self.daemon.url.removeprefix("http://"), **settings)
        self.addCleanup(self.client.close)

    def infer(self, binary):
        tensor = triton.InferInput("text", [len(TEXTS)], "BYTES")
        tensor.set_data_from_numpy(np.array([text.encode() for text in TEXTS], object), binary_data=binary)
        asked = [triton.InferRequestedOutput("embedding", binary_data=binary)]
        return self.client.infer("tiny", [tensor], outputs=asked, request_id="7")

    def test_infer(self):
        for binary in [True, False]:
            answer = self.infer(binary)
            self.same(answer.as_numpy("embedding"))
            self.assertEqual(answer.get_response()["id"], "7")

    def test_metadata(self):
        self.assertTrue(self.client.is_server_live() and self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("tiny"))
        self.assertFalse(self.client.is_model_ready("other"))
        self.assertEqual(self.client.get_server_metadata()["name"], "lockstep")
        self.assertEqual(self.client.get_model_metadata("tiny")["outputs"][0]["datatype"], "FP32")
        with self.assertRaises(triton.InferenceServerException) as refused:
            self.client.get_model_metadata("other")
        self.assertIn("no such model", refused.exception.message())


class Prometheus(Clients):
    def test_metrics(self):
        with urllib.request.urlopen(f"{self.daemon.url}/metrics", timeout=PATIENCE) as answer:
            families = {one.name: one for one in text_string_to_metric_families(answer.read().decode())}
        self.assertEqual(families["lockstep_answers"].type, "counter")
        self.assertEqual(families["te_request_duration"].type, "histogram")
        paths = {sample.labels["path"] for sample in families["lockstep_answers"].samples}
        self.assertIn("/embed", paths)


class Plain(Clients):
    def test_a_body_of_64_mib_gets_a_refusal(self):
        for _ in range(5):
            connection = http.client.HTTPConnection(self.daemon.url.removeprefix("http://"), timeout=PATIENCE)
            connection.request("POST", "/embed", b" " * (64 << 20))
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.load(answer)["error_type"]), (413, "Validation"))
            connection.close()

    def test_gzip(self):
        body = gzip.compress(json.dumps({"inputs": TEXTS}).encode())
        request = urllib.request.Request(f"{self.daemon.url}/embed", body, {"content-encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            self.same(json.load(answer))

    def test_half_a_character(self):
        self.assertEqual(self.daemon.ask("/embed", {"inputs": ["\ud83d a"]}), self.daemon.ask("/embed", {"inputs": ["\ufffd a"]}))


class OpenTelemetry(unittest.TestCase):
    """A collector that reads OTLP with the package of OpenTelemetry."""

    def test_traces(self):
        arrived = queue.Queue()

        class Collector(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                arrived.put((self.path, ExportTraceServiceRequest.FromString(body)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        daemon = Daemon(os.path.join(TINY, "model"), "--otlp", f"http://127.0.0.1:{server.server_port}", "--otlp-share", "0")
        self.addCleanup(daemon.stop)
        trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        status, _ = daemon.ask("/embed", {"inputs": TEXTS}, {"traceparent": f"00-{trace}-{parent}-01"})
        self.assertEqual(status, 200)
        path, message = arrived.get(timeout=PATIENCE)
        self.assertEqual(path, "/v1/traces")
        [resource] = message.resource_spans
        names = {one.key: one.value.string_value for one in resource.resource.attributes}
        self.assertEqual(names["service.name"], "edge-host")
        [scope] = resource.scope_spans
        root, *stages = scope.spans
        self.assertEqual((root.trace_id.hex(), root.parent_span_id.hex()), (trace, parent))
        self.assertEqual((root.name, root.kind, root.status.code), ("POST /embed", Span.SPAN_KIND_SERVER, 0))
        self.assertTrue({"tokenize", "queue", "batch", "answer"} <= {stage.name for stage in stages})
        for stage in stages:
            self.assertEqual((stage.parent_span_id, stage.kind), (root.span_id, Span.SPAN_KIND_INTERNAL))
            self.assertLessEqual(root.start_time_unix_nano, stage.start_time_unix_nano)
            self.assertLessEqual(stage.end_time_unix_nano, root.end_time_unix_nano)


class Tls(unittest.TestCase):
    """A daemon with the certificate that `openssl req` makes."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.cert, cls.key, pkcs1 = (os.path.join(folder, name) for name in ("cert.pem", "key.pem", "pkcs1.pem"))
        for words in (
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=lockstep"
            f" -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out {cls.cert} -keyout {cls.key}",
            f"rsa -traditional -in {cls.key} -out {pkcs1}",
        ):
            cls.run_program("openssl", *words.split())
        with open(pkcs1, encoding="ascii") as key:
            assert "BEGIN RSA PRIVATE KEY" in key.read()
        settings = ("--tls-cert", cls.cert, "--tls-key", pkcs1)
        model = os.path.join(TINY, "model")
        cls.checked = cls.run_program(os.environ["LOCKSTEP_HOST"], "check-config", "--model", model, *settings)
        cls.daemon = Daemon(model, *settings, trusted=cls.cert)
        cls.addClassCleanup(cls.daemon.stop)
        cls.place = cls.daemon.url.removeprefix("https://")

    @staticmethod
    def run_program(*words, **more):
        done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=True, **more)
        return done.stdout

    def test_check_config_tells_the_end(self):
        end = self.run_program("openssl", "x509", "-in", self.cert, "-noout", "-enddate", "-dateopt", "iso_8601")
        end = end.strip().removeprefix("notAfter=").replace(" ", "T")
        self.assertIn(f"# tls-cert: the certificate ends at {end}\n", self.checked)

    def test_openai(self):
        http_client = openai.DefaultHttpxClient(verify=ssl.create_default_context(cafile=self.cert))
        client = openai.OpenAI(base_url=f"{self.daemon.url}/v1", api_key="any", http_client=http_client)
        with client:
            answer = client.embeddings.create(model="any", input=TEXTS)
        self.assertEqual(len(answer.data), len(TEXTS))
        with openai.OpenAI(base_url=f"{self.daemon.url}/v1", api_key="any", max_retries=0) as client:
            with self.assertRaises(openai.APIConnectionError):
                client.embeddings.create(model="any", input="nobody vouches for this certificate")

    def test_openssl(self):
        for version in ("-tls1_2", "-tls1_3"):
            words = ("s_client", "-connect", self.place, version, "-CAfile", self.cert, "-verify_return_error")
            request = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
            shown = self.run_program("openssl", *words, "-alpn", "h2,http/1.1", "-ign_eof", input=request)
            self.assertIn("Verify return code: 0 (ok)", shown)
            self.assertIn("ALPN protocol: http/1.1", shown)
            self.assertIn('{"status":"ok"}', shown)
        with self.assertRaises(subprocess.CalledProcessError):
            self.run_program("openssl", "s_client", "-connect", self.place, "-tls1_1", input="")

    def test_curl(self):
        common = ("curl", "--silent", "--show-error", "--max-time", str(PATIENCE))
        body = json.dumps({"inputs": TEXTS})
        vectors = self.run_program(*common, "--cacert", self.cert, f"{self.daemon.url}/embed", "--data", body)
        self.assertEqual(len(json.loads(vectors)), len(TEXTS))
        told = self.run_program(*common, "--include", f"http://{self.place}/health")
        self.assertIn("400 Bad Request", told)
        self.assertIn("ask by https://", told)


if __name__ == "__main__":
    unittest.main()
