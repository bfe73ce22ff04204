// What the tests share: a browser, a server of the package whose answers a test may change, a
// daemon.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { mounts, proxyDaemon, serve } from "../../wasm-module/web/serve.mjs";

/**
 * How long a program may take to start. A busy machine compiles a component with its model for
 * long.
 */
const START_MS = 300_000;

export const place = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests by \`make test-browser\``);
  return value;
};

export const launch = () =>
  chromium.launch({
    executablePath: process.env.LOCKSTEP_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/**
 * Serves the package and a model. A test may replace the `hook` of the result, which answers
 * requests first; its `hits` counts requests by path.
 */
export async function site(model, daemon) {
  const made = { hits: new Map(), hook: () => false };
  const tell = proxyDaemon(daemon);
  const hook = (request, response, path) => {
    made.hits.set(path, (made.hits.get(path) ?? 0) + 1);
    if (path === "/blank.html") {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>blank</title>");
      return true;
    }
    return made.hook(request, response, path) || tell(request, response, path);
  };
  return Object.assign(made, await serve({ mounts: mounts(place("LOCKSTEP_WEB"), model), hook }));
}

/** Opens a page with a profile of its own and with the package as the global `lockstep`. */
export async function page(browser, url, options = {}) {
  const context = await browser.newContext(options);
  const opened = await context.newPage();
  opened.setDefaultTimeout(60_000);
  await opened.goto(`${url}/blank.html`);
  await use(opened);
  return opened;
}

/** Imports the package into the page. */
export const use = (opened) =>
  opened.evaluate(async () => {
    globalThis.lockstep = await import("/package/index.js");
    /** The fields of an error, in a form that leaves the page. */
    globalThis.describe = (error) => ({ ...error, name: error.name, message: error.message });
    globalThis.caught = (promise) => promise.then(() => undefined, globalThis.describe);
  });

/**
 * Loads the model once; resolves to what was seen on the way. `first` is a script that the worker
 * runs before the package's: it plays a browser of another kind.
 */
export const loaded = (opened, options = {}, first = undefined) =>
  opened.evaluate(
    async ({ options, first }) => {
      const seen = [];
      if (first) {
        const modules = [`data:text/javascript,${encodeURIComponent(first)}`, `${location.origin}/package/worker.js`];
        const script = modules.map((url) => `import ${JSON.stringify(url)};`).join("");
        const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
        options.worker = () => new Worker(url, { type: "module" });
      }
      try {
        const tell = (progress) => seen.push(progress);
        const model = await lockstep.load({ model: "/model", onProgress: tell, ...options });
        const [vector] = (await model.encode(["a red bicycle"])).vectors;
        const { module, sources, info } = model;
        model.dispose();
        return { seen, sources, module, info, vector: [...vector] };
      } catch (error) {
        return { seen, error: describe(error) };
      }
    },
    { options, first },
  );

/** Starts a daemon on a free port with these options; resolves when it is ready. */
export async function daemon(model, options = ["--module", `${place("LOCKSTEP_MODULES")}/lockstep-relaxed.wasm`]) {
  const program = await start(
    place("LOCKSTEP_HOST"),
    ["serve", "--model", model, "--listen", "127.0.0.1:0", "--instances", "1", "--vector-mib", "0", "--cache-dir", ".cache/compiled"]
      .concat(["--deadline-ms", "60000"])
      .concat(options),
  );
  for (let tries = 0; ; tries++) {
    const response = await fetch(`${program.url}/health`).catch(() => undefined);
    if (response?.ok) return program;
    if (tries > 1200 || program.ended()) throw new Error("the daemon is not ready");
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Starts a program that prints the URL at which it listens; resolves when it has printed it. */
export async function start(path, parameters) {
  const child = spawn(path, parameters, { stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit");
  const said = [];
  const url = await new Promise((found, failed) => {
    const late = setTimeout(failed, START_MS, new Error(`${path} did not say where it listens within ${START_MS} ms`));
    exit.then(() => failed(new Error(`${path} ended: ${said.join("\n")}`)), failed);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        const url = /http:\/\/[0-9.:]+/.exec(line)?.[0];
        if (said.length < 20) said.push(line);
        if (!url) return;
        clearTimeout(late);
        found(url);
      });
    }
  }).catch((error) => {
    child.kill();
    throw error;
  });
  const stop = async () => {
    child.kill();
    await exit;
  };
  return { url, stop, ended: () => child.exitCode !== null };
}
