// Tests of loading a model: progress, the cache, damaged files, aborting. They use the tiny model.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { launch, loaded, page, place, site, use } from "./support.mjs";

const folder = `${place("LOCKSTEP_TINY")}/model`;
const modelFile = readdirSync(folder).includes("model.lockstep") ? "model.lockstep" : "model.onnx";
const MODEL = `/model/${modelFile}`;

let browser, server, tab;
before(async () => {
  browser = await launch();
  server = await site(folder);
});
after(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(async () => {
  await tab?.context().close();
  server.hook = () => false;
  server.hits.clear();
  tab = await page(browser, server.url);
});

const loadOnce = (options) => loaded(tab, options);

/** Answers a path with wrong bytes of the file's length. */
const damage = (path, times = Infinity) => {
  let left = times;
  server.hook = (_, response, asked) => {
    if (asked !== path || left-- <= 0) return false;
    response.writeHead(200, { "cache-control": "no-cache" }).end("not the file");
    return true;
  };
};

test("it loads with progress, needs no isolation, and takes the fastest build", async () => {
  const { seen, sources, module, info } = await loadOnce();
  assert.equal(await tab.evaluate(() => crossOriginIsolated), false);
  assert.deepEqual([module, info.model_id], ["relaxed", "tiny"]);
  assert.deepEqual(sources.map(({ from }) => from), ["network", "network", "network"]);
  const bytes = seen.filter(({ phase, file }) => phase === "download" && file === modelFile);
  assert.ok(bytes.length > 1 && bytes.at(-1).loaded === bytes.at(-1).total, JSON.stringify(bytes));
  assert.ok(bytes.every(({ loaded }, at) => at === 0 || loaded >= bytes[at - 1].loaded));
  assert.equal(seen.at(-1).phase, "open");
});

test("weights are never fetched twice", async () => {
  const first = await loadOnce();
  assert.equal(server.hits.get(MODEL), 1);
  await tab.reload();
  await use(tab);
  const { sources, vector } = await loadOnce();
  assert.deepEqual(sources.map(({ from }) => from), ["network", "cache", "cache"]);
  assert.deepEqual(vector, first.vector);
  assert.equal(server.hits.get(MODEL), 1);
});

test("two at one time fetch once", async () => {
  const fetched = await tab.evaluate(async () => {
    const both = await Promise.all([lockstep.load({ model: "/model" }), lockstep.load({ model: "/model" })]);
    return both.flatMap((model) => (model.dispose(), model.sources.map(({ from }) => from)));
  });
  assert.equal(server.hits.get(MODEL), 1);
  assert.equal(fetched.filter((from) => from === "cache").length, 2);
});

test("a model that was loaded opens with the network cut off", async () => {
  const first = await loadOnce();
  server.hook = (request, _, path) => path.startsWith("/model/") && (request.socket.destroy(), true);
  const again = await loadOnce();
  assert.equal(again.error, undefined, JSON.stringify(again.error));
  assert.deepEqual(again.sources.map(({ from }) => from), ["cache", "cache", "cache"]);
  assert.deepEqual(again.vector, first.vector);
});

test("without network and cache the error says which file", async () => {
  server.hook = (request, _, path) => path.startsWith("/model/") && (request.socket.destroy(), true);
  const { error } = await loadOnce();
  assert.equal(error.name, "DownloadError");
  assert.match(error.message, /lockstep\.json/);
});

test("a corrupted download is refused by its digest and leaves nothing behind", async () => {
  damage(MODEL);
  const { error } = await loadOnce();
  assert.equal(error.name, "IntegrityError");
  assert.match(error.message, new RegExp(`${modelFile} \\(12 bytes\\) has SHA-256 [0-9a-f]{64}`));
  assert.equal(server.hits.get(MODEL), 2, "one more try, around the HTTP cache");
  const kept = await tab.evaluate(async () => (await (await caches.open("lockstep")).keys()).map(({ url }) => url));
  assert.ok(!kept.some((url) => url.includes(MODEL)), String(kept));
});

test("a download that is corrupted once is fetched anew", async () => {
  damage(MODEL, 1);
  assert.equal((await loadOnce()).error, undefined);
  assert.equal(server.hits.get(MODEL), 2);
});

test("a corrupted cache entry is noticed and fetched anew", async () => {
  const first = await loadOnce();
  const spoiled = await tab.evaluate(async (path) => {
    const cache = await caches.open("lockstep");
    const entry = (await cache.keys()).find(({ url }) => url.includes(path));
    const bytes = new Uint8Array(await (await cache.match(entry)).arrayBuffer());
    bytes[bytes.length >> 1] ^= 1;
    await cache.put(entry, new Response(bytes));
    return bytes.length;
  }, MODEL);
  assert.ok(spoiled > 1000);
  const again = await loadOnce();
  assert.deepEqual(again.sources.map(({ from }) => from), ["network", "cache", "network"]);
  assert.deepEqual(again.vector, first.vector);
  assert.equal(server.hits.get(MODEL), 2);
  await loadOnce();
  assert.equal(server.hits.get(MODEL), 2, "the new entry is whole");
});

test("a download that breaks off is an error", async () => {
  server.hook = (_, response, path) => {
    if (path !== MODEL) return false;
    response.writeHead(200, { "content-length": 100_000 });
    response.write("x".repeat(1000), () => setTimeout(() => response.destroy(), 100));
    return true;
  };
  const { error } = await loadOnce();
  assert.equal(error.name, "DownloadError");
  assert.match(error.message, /broke off/);
});

test("a missing model is an error with its status", async () => {
  const { error } = await loadOnce({ model: "/elsewhere" });
  assert.deepEqual([error.name, error.status], ["DownloadError", 404]);
});

test("loading is aborted at once, in the middle of a download", async () => {
  let waiting;
  server.hook = (_, response, path) => {
    if (path !== MODEL) return false;
    response.writeHead(200, { "content-length": 100_000 }).write("some");
    waiting = new Promise((closed) => response.on("close", closed));
    return true;
  };
  const outcome = await tab.evaluate(async (file) => {
    const abort = new AbortController();
    const begun = (progress) => progress.file === file && progress.loaded > 0 && abort.abort(new Error("enough"));
    return caught(lockstep.load({ model: "/model", signal: abort.signal, onProgress: begun }));
  }, modelFile);
  assert.equal(outcome.message, "enough");
  await waiting;
});

test("a build that is asked for is the one that runs, with the same integers", async () => {
  const strict = await loadOnce({ module: "strict" });
  const relaxed = await loadOnce({ module: "relaxed" });
  assert.deepEqual([strict.module, strict.info.backend], ["strict", "wasm-strict"]);
  assert.equal(relaxed.module, "relaxed");
  assert.deepEqual(strict.vector, relaxed.vector);
});

test("a model that is disposed of refuses", async () => {
  const outcome = await tab.evaluate(async () => {
    const model = await lockstep.load({ model: "/model" });
    const pending = caught(model.embed(["a"]));
    model.dispose();
    return [await pending, await caught(model.embed(["a"]))];
  });
  assert.deepEqual(outcome.map(({ name }) => name), ["DisposedError", "DisposedError"]);
});
