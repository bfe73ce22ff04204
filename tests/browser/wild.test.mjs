// Pages, servers and browsers as they are in the wild. Each works, or fails with an error that says
// what is missing. The tests use the tiny model.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { launch, loaded, page, place, site, use } from "./support.mjs";

const folder = `${place("LOCKSTEP_TINY")}/model`;
const MODEL = "/model/model.lockstep";
const MANIFEST = "/model/lockstep.json";
const bytes = readFileSync(`${folder}/model.lockstep`);
/** Lets the worker's time run twenty times as fast. */
const HURRY = "const real = setTimeout; globalThis.setTimeout = (call, ms) => real(call, ms / 20)";

let browser, server, other, tab, vector;
before(async () => {
  browser = await launch();
  server = await site(folder);
  // The same files at another origin.
  other = await site(folder);
  tab = await page(browser, server.url);
  ({ vector } = await loaded(tab));
});
after(async () => {
  await browser?.close();
  await server?.close();
  await other?.close();
});
beforeEach(async () => {
  await tab?.context().close();
  server.hook = () => false;
  server.hits.clear();
  other.hook = (_, response) => (response.setHeader("access-control-allow-origin", "*"), false);
  tab = await page(browser, server.url);
});

const froms = ({ sources, error }) => sources?.map(({ from }) => from) ?? error;
const html = (_, response, path) => {
  if (path !== MANIFEST) return false;
  response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Sign in</title>");
  return true;
};

test("an HTML page in the place of the manifest never replaces the good one", async () => {
  server.hook = html;
  const { error } = await loaded(tab);
  assert.equal(error.name, "LoadError");
  assert.match(error.message, /lockstep\.json: not a manifest: the server sent an HTML page/);
  server.hook = () => false;
  assert.deepEqual(froms(await loaded(tab)), ["network", "network", "network"]);
  for (const hook of [html, (_, response, path) => path === MANIFEST && (response.end('{"digests": null}'), true)]) {
    server.hook = hook;
    const found = await loaded(tab);
    assert.deepEqual(froms(found), ["cache", "cache", "cache"]);
    assert.deepEqual(found.vector, vector);
  }
});

test("progress never goes beyond the whole, although a server hides that it compresses", async () => {
  const packed = gzipSync(bytes);
  const manifest = JSON.parse(readFileSync(`${folder}/lockstep.json`));
  assert.equal(manifest.sizes["model.lockstep"], bytes.length);
  assert.ok(packed.length < bytes.length);
  for (const sizes of [manifest.sizes, undefined]) {
    await tab.reload();
    await use(tab);
    other.hook = (_, response, path) => {
      response.setHeader("access-control-allow-origin", "*");
      if (path === MANIFEST) return response.end(JSON.stringify({ ...manifest, sizes })), true;
      if (path !== MODEL) return false;
      response.writeHead(200, { "content-encoding": "gzip", "content-length": packed.length }).end(packed);
      return true;
    };
    const { seen, error, vector: found } = await loaded(tab, { model: `${other.url}/model`, cache: false });
    assert.equal(error, undefined);
    assert.deepEqual(found, vector);
    const downloads = seen.filter(({ phase, file }) => phase === "download" && file === "model.lockstep");
    assert.equal(downloads.at(-1).loaded, bytes.length);
    assert.equal(downloads.at(-1).total, sizes?.["model.lockstep"]);
    assert.deepEqual(seen.filter(({ loaded, total }) => loaded > total), []);
  }
});

test("a browser without AbortSignal.any", async () => {
  await tab.evaluate(() => delete AbortSignal.any);
  assert.deepEqual((await loaded(tab, {}, "delete AbortSignal.any")).vector, vector);
  const stopped = await tab.evaluate(async () => {
    const script = "import 'data:text/javascript,delete AbortSignal.any';import '" + location.origin + "/package/worker.js'";
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const abort = new AbortController();
    const begun = ({ loaded }) => loaded > 0 && abort.abort(new Error("enough"));
    const worker = () => new Worker(url, { type: "module" });
    return caught(lockstep.load({ model: "/model", cache: false, signal: abort.signal, onProgress: begun, worker }));
  });
  assert.equal(stopped.message, "enough");
});

test("the package comes from another origin", async () => {
  await tab.evaluate(async (url) => {
    globalThis.lockstep = await import(`${url}/package/index.js`);
  }, other.url);
  const found = await loaded(tab);
  assert.deepEqual(found.vector, vector, JSON.stringify(found.error));
});

for (const method of ["open", "match", "keys", "delete", "put"]) {
  test(`a cache whose \`${method}\` rejects costs a download and no answer`, async () => {
    await loaded(tab);
    const kind = method === "open" ? "CacheStorage" : "Cache";
    const broken = `${kind}.prototype.${method} = () => Promise.reject(new DOMException("no", "SecurityError"))`;
    // A key of another digest, so that `keys` and `delete` have something to do.
    await tab.evaluate(async (url) => {
      const cache = await caches.open("lockstep");
      for (const entry of await cache.keys()) if (entry.url.includes(url)) await cache.delete(entry);
      await cache.put(`${location.origin}${url}?sha256=old`, new Response("old"));
    }, MODEL);
    const found = await loaded(tab, {}, broken);
    assert.deepEqual(found.vector, vector, JSON.stringify(found.error));
    assert.equal(found.sources.at(-1).from, "network");
  });
}

test("locks that are refused cost nothing", async () => {
  const broken = "LockManager.prototype.request = () => Promise.reject(new DOMException('no', 'SecurityError'))";
  assert.deepEqual((await loaded(tab, {}, broken)).vector, vector);
});

test("an address with a query goes to each file, and the cache outlives it", async () => {
  const asked = [];
  server.hook = ({ url }, response, path) => {
    if (!path.startsWith("/model/")) return false;
    asked.push(url);
    return /\?sig=[12]&x=%2F$/.test(url) ? false : (response.writeHead(403).end(), true);
  };
  const refused = await loaded(tab, { model: "/model" });
  assert.deepEqual([refused.error.name, refused.error.status], ["DownloadError", 403]);
  asked.length = 0;
  assert.deepEqual((await loaded(tab, { model: "/model?sig=1&x=%2F" })).vector, vector);
  assert.equal(asked.length, 3);
  const again = await loaded(tab, { model: "/model/?sig=2&x=%2F#top" });
  assert.deepEqual(froms(again), ["network", "cache", "cache"]);
});

test("a download that stalls is given up, and holds no other tab", async () => {
  let stalled = 0;
  server.hook = (_, response, path) => {
    if (path !== MODEL || stalled++ > 0) return false;
    response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, 1000));
    return true;
  };
  const { error } = await loaded(tab, {}, HURRY);
  assert.equal(error.name, "DownloadError");
  assert.match(error.message, /broke off after 1000 bytes: nothing for 30000 ms/);
  assert.deepEqual((await loaded(tab)).vector, vector);
});

test("the engine's own code stalls", async () => {
  server.hook = (_, response, path) => {
    if (!path.endsWith(".wasm")) return false;
    response.writeHead(200, { "content-type": "application/wasm" }).write("\0asm");
    return true;
  };
  const { error } = await loaded(tab, {}, HURRY);
  assert.equal(error.name, "DownloadError");
  assert.match(error.message, /\.wasm: broke off: nothing for 30000 ms/);
});

test("a server that gives the code another type", async () => {
  server.hook = (_, response, path) => {
    if (!path.endsWith(".wasm")) return false;
    const code = readFileSync(`${place("LOCKSTEP_WEB")}${path}`);
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(code);
    return true;
  };
  assert.deepEqual((await loaded(tab)).vector, vector);
});

test("a worker of the page calls the package", async () => {
  const found = await tab.evaluate(async () => {
    const script = `
      import { load } from "${location.origin}/package/index.js";
      const model = await load({ model: "${location.origin}/model" });
      postMessage([...(await model.encode(["a red bicycle"])).vectors[0]]);`;
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
    return new Promise((done, failed) => {
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = ({ message }) => failed(new Error(message));
    });
  });
  assert.deepEqual(found, vector);
});

test("a content security policy against WebAssembly is named", async () => {
  server.hook = (_, response, path) => {
    if (path === "/package/worker.js") response.setHeader("content-security-policy", "default-src 'self'");
    return false;
  };
  const { error } = await loaded(tab);
  assert.equal(error.name, "UnsupportedError");
  assert.match(error.message, /content security policy needs 'wasm-unsafe-eval'/);
});

test("an address that is none is named", async () => {
  const { error } = await loaded(tab, { model: "https://" });
  assert.equal(error.name, "LoadError");
  assert.match(error.message, /`https:\/\/` is no address/);
});
