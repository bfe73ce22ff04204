// OpenAI's own client in a page of another origin than the daemon's.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serve } from "../../wasm-module/web/serve.mjs";
import { daemon, launch, place } from "./support.mjs";

const CLIENT = new URL("../node_modules/openai/", import.meta.url);
const model = `${place("LOCKSTEP_TINY")}/model`;
let browser, server, open, closed, tab;

before(async () => {
  const hook = (request, response, path) => {
    if (!path.startsWith("/openai/")) {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>page</title>");
    } else if (/^\/openai\/[\w/.-]+\.m?js$/.test(path) && !path.includes("..")) {
      response.writeHead(200, { "content-type": "text/javascript" });
      const file = createReadStream(fileURLToPath(new URL(path.slice("/openai/".length), CLIENT)));
      file.on("error", () => response.destroy()).pipe(response);
    } else response.writeHead(404).end();
    return true;
  };
  server = await serve({ mounts: {}, hook });
  [browser, open, closed] = await Promise.all([
    launch(),
    daemon(model, ["--backend", "native", "--allow-origin", server.url]),
    daemon(model, ["--backend", "native"]),
  ]);
  tab = await (await browser.newContext()).newPage();
  await tab.goto(`${server.url}/`);
});
after(async () => {
  await browser?.close();
  await Promise.all([server?.close(), open?.stop(), closed?.stop()]);
});

/** Embeds with OpenAI's client in the page: the answer, or the error. */
const embed = (url, request) =>
  tab.evaluate(
    async ([url, request]) => {
      const { default: OpenAI } = await import("/openai/index.mjs");
      const baseURL = `${url}/v1`;
      const client = new OpenAI({ baseURL, apiKey: "any", dangerouslyAllowBrowser: true, maxRetries: 0 });
      try {
        const { data, usage } = await client.embeddings.create({ model: "any", ...request });
        return { vectors: data.map(({ embedding }) => [...embedding]), usage };
      } catch (error) {
        const { status, code, type, param, message } = error;
        return { name: error.constructor.name, status, code, type, param, message };
      }
    },
    [url, request],
  );

test("a page of an allowed origin embeds", async () => {
  const input = ["The bank pays cash.", "", "日本"];
  const response = await fetch(`${open.url}/embed`, { method: "POST", body: JSON.stringify({ inputs: input }) });
  const expected = (await response.json()).map((vector) => [...Float32Array.from(vector)]);
  // The client asks for base64 where its user asks for nothing.
  assert.deepEqual((await embed(open.url, { input })).vectors, expected);
  const plain = await embed(open.url, { input, encoding_format: "float" });
  assert.deepEqual(plain.vectors.map((vector) => [...Float32Array.from(vector)]), expected);
  const ids = await embed(open.url, { input: [[7, 8], [9]] });
  assert.deepEqual([ids.vectors.length, ids.usage.prompt_tokens], [2, 3]);
});

test("a page reads the reason of a refusal", async () => {
  const empty = await embed(open.url, { input: "" });
  assert.deepEqual([empty.status, empty.code, empty.param], [400, "empty", "input"]);
  assert.equal(empty.type, "invalid_request_error");
  const foreign = await embed(open.url, { input: [[100257]] });
  assert.match(foreign.message, /input\[0\]\[0\].*check_embedding_ctx_length/);
});

test("a page of another origin gets nothing", async () => {
  const outcome = await embed(closed.url, { input: "a" });
  assert.equal(outcome.name, "APIConnectionError");
});
