// Vector packs in the browser: packs that `edge-host` writes and a daemon gives, and those that are
// refused.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { daemon, launch, page, place, site } from "./support.mjs";
import { texts } from "./texts.mjs";

const folder = place("LOCKSTEP_MODEL");
const history = ["A week of gravel riding along the river", { text: "How to bake rye bread", weight: 0.5 }];
const items = texts.map((text, at) => ({ id: `é ${(at * 7919) % 1009}`, text }));

let browser, server, host, tab, made, good;
before(async () => {
  made = mkdtempSync(join(tmpdir(), "lockstep-packs-"));
  good = packed(folder, "good");
  [browser, host] = await Promise.all([
    launch(),
    daemon(folder, ["--backend", "native", "--items", join(made, "items")]),
  ]);
  server = await site(folder, host.url);
  tab = await page(browser, server.url);
});
after(async () => {
  await browser?.close();
  await Promise.all([server?.close(), host?.stop()]);
  rmSync(made, { recursive: true });
});

/** The bytes of a pack of all items. */
function packed(model, name) {
  const [lines, out] = [join(made, `${name}.jsonl`), join(made, name)];
  writeFileSync(lines, items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  const options = ["pack", "--model", model, "--lines", lines, "--out", out];
  execFileSync(place("LOCKSTEP_HOST"), options, { timeout: 300_000 });
  return readFileSync(out);
}

/** Serves some bytes as /items.lockpack. */
function offer(bytes) {
  server.hook = (request, response, path) => {
    if (path !== "/items.lockpack") return false;
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes);
    return true;
  };
}

for (const module of ["strict", "relaxed"]) {
  test(`the ${module} build ranks by ids and by known texts with the scores of a fresh ranking`, async () => {
    offer(good);
    const seen = await tab.evaluate(
      async ([module, history, items]) => {
        const fresh = await lockstep.load({ model: "/model", module });
        const model = await lockstep.load({ model: "/model", module });
        const options = { history, explain: true, diversity: 0.2 };
        const pack = await model.loadPack("/items.lockpack");
        const ids = await model.rank({ ...options, candidates: items.map(({ id }) => ({ id })) });
        const alone = await fresh.rank({ ...options, candidates: [{ id: "x", text: "known by nobody" }] });
        const expected = await fresh.rank({ ...options, candidates: items });
        const known = await model.rank({ ...options, candidates: items });
        // A text of the history that the pack has costs nothing either.
        const own = await model.rank({ history: [items[40].text], candidates: [{ id: items[40].id }] });
        fresh.dispose();
        model.dispose();
        return { pack, ids, alone, expected, known, own };
      },
      [module, history, items],
    );
    const { pack, ids, alone, expected, known, own } = seen;
    assert.deepEqual([pack.items, pack.delta, pack.sequence, pack.bytes], [200, false, 0, good.length]);
    assert.deepEqual(ids.items, expected.items);
    assert.deepEqual(known.items, expected.items);
    assert.ok(ids.ran > 0 && ids.ran < alone.ran && ids.tokens === ids.ran, JSON.stringify([ids.ran, alone.ran]));
    assert.equal(known.ran, 0);
    assert.deepEqual([own.ran, own.items[0].score], [0, 1]);
  });
}

test("a pack may come as bytes, and progress is told", async () => {
  offer(good);
  const seen = await tab.evaluate(async (id) => {
    const model = await lockstep.load({ model: "/model" });
    const bytes = await (await fetch("/items.lockpack")).arrayBuffer();
    const packs = [await model.loadPack(bytes), await model.loadPack(new Uint8Array(bytes))];
    const progress = [];
    await model.loadPack(new URL("/items.lockpack", location.href), { onProgress: (one) => progress.push(one) });
    const { items } = await model.rank({ history: ["tea"], candidates: [{ id }] });
    model.dispose();
    return { packs, last: progress.at(-1), items, length: bytes.byteLength };
  }, items[3].id);
  assert.deepEqual(seen.packs.map((pack) => pack.items), [200, 200]);
  assert.deepEqual([seen.last.file, seen.last.loaded], ["pack", good.length]);
  assert.equal(seen.items[0].id, items[3].id);
});

test("a request with candidates without texts stays on the device", async () => {
  offer(good);
  const seen = await tab.evaluate(async ([{ id, text }, url]) => {
    const model = await lockstep.load({ model: "/model", offload: { url, minTokens: 0, deadlineMs: 60_000 } });
    await model.loadPack("/items.lockpack");
    const rank = async (candidate) => (await model.rank({ history: ["tea"], candidates: [candidate] })).scoredBy;
    const scoredBy = [await rank({ id }), await rank({ id, text })];
    model.dispose();
    return scoredBy;
  }, [items[3], `${server.url}/daemon`]);
  assert.deepEqual(seen, ["device", "daemon"]);
});

test("a pack that cannot be used is refused by name, and the one before stays", async () => {
  const damaged = Buffer.from(good);
  damaged[good.length - 1] ^= 1;
  const other = packed(join(place("LOCKSTEP_TINY"), "model"), "other");
  const load = (path) => tab.evaluate((path) => caught(model.loadPack(path)), path);
  offer(good);
  await tab.evaluate(async () => {
    globalThis.model = await lockstep.load({ model: "/model" });
    await model.loadPack("/items.lockpack");
  });
  const digest = await tab.evaluate(() => model.info.model_digest);
  for (const [bytes, reason, part] of [
    [damaged, "damaged", /section 4 does not fit its digest/],
    [good.subarray(0, 1000), "damaged", /damaged vector pack/],
    [Buffer.from("<!doctype html>"), "damaged", /LOCKPACK/],
    [other, "model", new RegExp(`here is ${digest}`)],
  ]) {
    offer(bytes);
    const error = await load("/items.lockpack");
    assert.deepEqual([error.name, error.reason], ["PackError", reason], error.message);
    assert.match(error.message, part);
    assert.match(error.message, /^http:.*items\.lockpack: /);
  }
  const missing = await load("/nothing.lockpack");
  assert.deepEqual([missing.name, missing.status], ["DownloadError", 404]);
  assert.equal((await load("https://")).name, "LoadError");
  const { ran, refused } = await tab.evaluate(async (id) => {
    const { ran } = await model.rank({ history: ["tea"], candidates: [{ id }] });
    const refused = await caught(model.rank({ history: ["tea"], candidates: [{ id }, { id: "unknown" }] }));
    model.dispose();
    return { ran, refused };
  }, items[5].id);
  assert.equal(ran, 3);
  assert.equal(refused.name, "ValidationError");
  assert.match(refused.message, /candidates\[1\]\.text: .*the vector packs have no item "unknown"/);
});

test("a download that stalls, and one that is aborted", async () => {
  let asked = 0;
  server.hook = (request, response, path) => {
    if (path !== "/items.lockpack") return false;
    asked++;
    response.writeHead(200, { "content-length": good.length });
    response.write(good.subarray(0, 1000));
    return true;
  };
  const [stalled, aborted] = await tab.evaluate(async () => {
    const model = await lockstep.load({ model: "/model" });
    const stalled = await caught(model.loadPack("/items.lockpack"));
    const aborted = await caught(model.loadPack("/items.lockpack", { signal: AbortSignal.timeout(50) }));
    model.dispose();
    return [stalled, aborted];
  });
  assert.equal(asked, 2);
  assert.equal(stalled.name, "DownloadError");
  assert.match(stalled.message, /broke off after 1000 bytes: nothing for 30000 ms/);
  assert.equal(aborted.name, "TimeoutError");
});

test("the packs of a daemon: all of its items, then what changed", async () => {
  server.hook = () => false;
  const put = async (items) => {
    const body = JSON.stringify({ items });
    const response = await fetch(`${host.url}/v1/items`, { method: "PUT", body });
    assert.equal(response.status, 200, await response.text());
  };
  const rank = (ids) =>
    tab.evaluate((ids) => model.rank({ history: ["tea"], candidates: ids.map((id) => ({ id })) }), ids);
  await put(items.slice(30, 60));
  const full = await tab.evaluate(async () => {
    globalThis.model = await lockstep.load({ model: "/model" });
    return model.loadPack("/daemon/v1/items.pack");
  });
  assert.deepEqual([full.items, full.delta], [30, false]);
  await put([{ id: items[30].id, text: "green tea" }, { id: "new", text: "a mug" }]);
  await fetch(`${host.url}/v1/items/${encodeURIComponent(items[31].id)}`, { method: "DELETE" });
  const since = `/daemon/v1/items.pack?since=${full.sequence}`;
  const delta = await tab.evaluate((since) => model.loadPack(since), since);
  assert.deepEqual([delta.items, delta.delta], [2, true]);
  const again = await tab.evaluate((since) => caught(model.loadPack(since)), since);
  assert.deepEqual([again.name, again.reason], ["PackError", "base"], again.message);
  assert.match(again.message, new RegExp(`sequence ${full.sequence} of .*loaded is sequence ${delta.sequence} of `));

  const found = await rank([items[30].id, "new", items[32].id]);
  const texts = ["green tea", "a mug", items[32].text];
  const fresh = await tab.evaluate(
    async ([ids, texts]) => model.rank({ history: ["tea"], candidates: ids.map((id, at) => ({ id: `${id} `, text: texts[at] })) }),
    [[items[30].id, "new", items[32].id], texts],
  );
  assert.deepEqual(found.items.map(({ index, score }) => [index, score]), fresh.items.map(({ index, score }) => [index, score]));
  const gone = await tab.evaluate(
    (id) => caught(model.rank({ history: ["tea"], candidates: [{ id }] })),
    items[31].id,
  );
  assert.equal(gone.name, "ValidationError");
  const late = await tab.evaluate(() => caught(model.loadPack("/daemon/v1/items.pack?since=1")));
  assert.deepEqual([late.name, late.status], ["DownloadError", 410]);
  await tab.evaluate(() => model.dispose());
});
