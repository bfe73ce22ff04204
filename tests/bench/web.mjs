// Runs the bench's engines in Chromium or in Node: `web.mjs chromium|node FILES.json`.
//
// Each line {"engine", "case", "seconds"} of standard input is a request. The answer is one line
// {"ms", "integers" | "floats"} or {"error"}. FILES.json names the files:
// {cases, modules: {engine: path}, model: [paths], onnx: {engine: path}}.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { lockstep, ort, turn } from "./engines.mjs";

const [place, list] = process.argv.slice(2);
const files = JSON.parse(await readFile(list, "utf8"));
const cases = JSON.parse(await readFile(files.cases, "utf8"));
const require = createRequire(import.meta.url);
const runtime = path.dirname(require.resolve("onnxruntime-web"));

async function node() {
  // Before version 11.4 of V8 relaxed SIMD needs this flag; later versions do not know the flag.
  if (parseFloat(process.versions.v8) < 11.4) setFlagsFromString("--experimental-wasm-relaxed-simd");
  const loaded = new Map();
  const load = async (engine) => {
    if (files.modules[engine]) {
      const model = await Promise.all(files.model.map((file) => readFile(file)));
      return lockstep(await readFile(files.modules[engine]), model);
    }
    const web = await import("onnxruntime-web");
    web.env.wasm.numThreads = 1;
    return ort(web, await readFile(files.onnx[engine]));
  };
  return async ({ engine, case: index, seconds }) => {
    if (!loaded.has(engine)) loaded.set(engine, await load(engine));
    return turn(loaded.get(engine), cases[index], seconds);
  };
}

const TYPES = { ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

/** Serves the engines, onnxruntime-web and the listed files on the loopback address. */
async function serve() {
  const given = new Map();
  const give = (file) => {
    const name = `/file/${given.size}`;
    given.set(name, file);
    return name;
  };
  const named = (map) => Object.fromEntries(Object.entries(map).map(([key, file]) => [key, give(file)]));
  const urls = { modules: named(files.modules), model: files.model.map(give), onnx: named(files.onnx) };
  const here = path.dirname(fileURLToPath(import.meta.url));
  const server = createServer(async (request, response) => {
    try {
      const { pathname } = new URL(request.url, "http://localhost");
      if (pathname === "/") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>bench</title>");
      const [, folder, name] = pathname.split("/");
      const file = given.get(pathname) ?? path.join(folder === "ort" ? runtime : here, path.basename(name ?? folder));
      const body = await readFile(file);
      response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" }).end(body);
    } catch (error) {
      response.writeHead(404).end(String(error));
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, urls };
}

async function chromium() {
  const { chromium } = await import("playwright-core");
  const { url, urls } = await serve();
  const browser = await chromium.launch({
    executablePath: process.env.LOCKSTEP_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = await browser.newPage();
  await page.goto(url);
  await page.evaluate(() => {
    const worker = new Worker("/bench/worker.mjs", { type: "module" });
    globalThis.ask = (question) =>
      new Promise((answer) => {
        worker.onmessage = ({ data }) => answer(data);
        worker.onerror = ({ message }) => answer({ error: message });
        worker.postMessage(question);
      });
  });
  return ({ engine, case: index, seconds }) =>
    page.evaluate((question) => globalThis.ask(question), { engine, item: cases[index], seconds, files: urls });
}

const answer = await { chromium, node }[place]();
for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit(0);
