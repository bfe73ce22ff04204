// One model gives the same integers and the same scores wherever it runs, and whichever host the
// caller asked first.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { daemon, launch, page, place, site, start } from "../browser/support.mjs";
import { http, requests, textsOf } from "./requests.mjs";

const folder = place("LOCKSTEP_MODEL");
const modules = place("LOCKSTEP_MODULES");
const component = `${modules}/lockstep-component-real.wasm`;
const texts = [...new Set(requests.flatMap(textsOf))];

/** The names of native kernels. Those of WebAssembly begin with `wasm`. */
const NATIVE = /^(x86|arm|scalar)[a-z0-9-]*$/;

const running = [];
const keep = (thing) => (running.push(thing), thing);
let browser, server, native, wasm, edge, forwarding;

before(async () => {
  const spin = (...variables) => start(place("LOCKSTEP_SPIN_HOST"), [component, ...variables]);
  native = keep(await daemon(folder, ["--backend", "native", "--allow-origin", "*"]));
  wasm = keep(await daemon(folder));
  edge = keep(await spin());
  forwarding = keep(await spin(`offload_url=${native.url}`, "offload_min_tokens=1", "offload_timeout_ms=60000"));
  browser = keep(await launch());
  server = keep(await site(folder));
});
after(() => Promise.all(running.map((thing) => (thing.stop ?? thing.close).call(thing))));

const post = async (url, path, body) => {
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(120_000);
  const response = await fetch(url + path, { method: "POST", body: JSON.stringify(body), headers, signal });
  const text = await response.text();
  assert.equal(response.status, 200, `${url}${path}: ${text.slice(0, 500)}`);
  return { text, header: (name) => response.headers.get(name) };
};

/**
 * A server's answers to all requests. `bodies` are their texts without the time and the backend.
 */
async function served({ url }) {
  const answers = [];
  for (const request of requests) answers.push(await post(url, ...http(request)));
  const { vectors } = JSON.parse((await post(url, "/lockstep/encode", { inputs: texts })).text);
  return {
    scored: new Set(answers.map(({ header }) => header("x-lockstep-backend"))),
    offload: new Set(answers.map(({ header }) => header("x-lockstep-offload"))),
    bodies: answers.map(({ text }) => text.replace(/"took_ms":[0-9.e-]+/, "").replace(/"backend":"[a-z0-9-]+"/, "")),
    results: answers.map(({ text }, at) => result(requests[at], JSON.parse(text))),
    integers: vectors,
  };
}

/**
 * A server's answer in the form of the browser's package, whose embeddings have numbers of 32 bits.
 */
const result = ({ kind }, json) =>
  kind === "rank" ? json.items : kind === "rerank" ? json : json.map((vector) => vector.map(Math.fround));

/** The browser's answers from one build of the engine, or with `offload` from a daemon's origin. */
async function inChromium(module, offload) {
  const tab = await page(browser, server.url);
  const { answers, integers } = await tab.evaluate(
    async ({ module, offload, requests, texts }) => {
      const model = await lockstep.load({ model: "/model", module, offload });
      const run = {
        rank: (request) => model.rank(request),
        rerank: ({ query, texts }) => model.rerank(query, texts),
        embed: ({ texts }) => model.embed(texts),
      };
      const answers = [];
      for (const request of requests) {
        const answer = await run[request.kind](request);
        const vectors = answer.vectors?.map((vector) => [...vector]);
        answers.push({ result: answer.items ?? vectors, by: answer.scoredBy, backend: answer.backend });
      }
      const { vectors } = await model.encode(texts);
      model.dispose();
      return { answers, integers: vectors.map((vector) => [...vector]) };
    },
    { module, offload, requests, texts },
  );
  await tab.context().close();
  return {
    scored: new Set(answers.map(({ backend }) => backend).filter(Boolean)),
    by: new Set(answers.map(({ by }) => by)),
    results: answers.map(({ result }) => result),
    integers,
  };
}

/** Compares two lists as JSON, and fails with the first element that differs. */
function same(found, expected, what) {
  assert.equal(found.length, expected.length, what);
  const at = found.findIndex((one, at) => JSON.stringify(one) !== JSON.stringify(expected[at]));
  if (at >= 0) assert.deepEqual(found[at], expected[at], `${what}, number ${at}`);
}

let expected;
test("the daemon with the native engine answers, with the integers of the engine itself", async (t) => {
  expected = await served(native);
  assert.equal(requests.length, 50);
  const input = texts.map((text) => `${JSON.stringify(text)}\n`).join("");
  const options = { input, maxBuffer: 64 << 20, timeout: 120_000 };
  const lines = String(execFileSync(place("LOCKSTEP_EMBED"), [folder], options)).trim().split("\n");
  same(expected.integers, lines.map((line) => JSON.parse(line)), "integers");
  const scores = new Set(expected.results.flat().map((item) => item.score).filter(Number.isFinite));
  assert.ok(scores.size > 250, `only ${scores.size} scores differ from each other: the requests show little`);
  assert.match([...expected.scored].join(), NATIVE);
  t.diagnostic(`${texts.length} texts, ${scores.size} different scores, ${[...expected.scored]}`);
});

for (const [name, where, backend, offload] of [
  ["the daemon with the WebAssembly module", () => wasm, /^wasm-relaxed$/, null],
  ["the Spin component", () => edge, /^wasm-relaxed$/, null],
  ["the Spin component that sends all to the daemon", () => forwarding, NATIVE, "daemon"],
]) {
  test(`${name} gives the same bytes`, async () => {
    const found = await served(where());
    assert.match([...found.scored].join(), backend);
    assert.deepEqual([...found.offload], [offload]);
    same(found.integers, expected.integers, "integers");
    same(found.bodies, expected.bodies, "answers");
  });
}

for (const module of ["strict", "relaxed"]) {
  test(`Chromium with the ${module} module gives the same integers and scores`, async () => {
    const found = await inChromium(module);
    assert.deepEqual([[...found.scored], [...found.by]], [[`wasm-${module}`], ["device"]]);
    same(found.integers, expected.integers, "integers");
    same(found.results, expected.results, "results");
  });
}

test("Chromium that sends all to a daemon of another origin gives the same integers and scores", async () => {
  const found = await inChromium("auto", { url: native.url, minTokens: 0, deadlineMs: 60_000 });
  assert.deepEqual([...found.by], ["daemon"]);
  assert.match([...found.scored].join(), NATIVE);
  same(found.integers, expected.integers, "integers");
  same(found.results, expected.results, "results");
});
