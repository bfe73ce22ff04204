#!/usr/bin/env node
// Serves the demo on loopback:
//   serve.mjs --built target/web --model FOLDER [--daemon URL] [--port 8081]
// Tests call `serve` with a hook that answers some requests itself.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, request } from "node:http";
import { extname, join, normalize, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const PROXY_TIMEOUT_MS = 60_000;
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/**
 * Serves folders. `mounts` maps path prefixes to folders, the longest prefix first. If
 * `hook(request, response, path)` returns true, it has answered. Resolves to `{url, close}`.
 */
export async function serve({ mounts, port = 0, hook = () => false }) {
  const server = createServer(async (incoming, response) => {
    const path = decodeURI(new URL(incoming.url, "http://x").pathname);
    try {
      if (await hook(incoming, response, path)) return;
      if (incoming.method !== "GET" && incoming.method !== "HEAD") return void response.writeHead(405).end();
      const prefix = Object.keys(mounts).find((prefix) => path.startsWith(prefix));
      const root = prefix && resolve(mounts[prefix]);
      const file = root && normalize(join(root, path.slice(prefix.length) || "index.html"));
      const found = file && (file + sep).startsWith(root + sep) && (await stat(file).catch(() => undefined));
      if (!found?.isFile()) return void response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
      const tag = `"${found.size.toString(16)}-${Math.floor(found.mtimeMs).toString(16)}"`;
      const headers = { "cache-control": "no-cache", etag: tag };
      if (incoming.headers["if-none-match"] === tag) return void response.writeHead(304, headers).end();
      headers["content-type"] = TYPES[extname(file)] ?? "application/octet-stream";
      headers["content-length"] = found.size;
      response.writeHead(200, headers);
      if (incoming.method === "HEAD") response.end();
      else createReadStream(file).on("error", () => response.destroy()).pipe(response);
    } catch {
      if (response.headersSent) response.destroy();
      else response.writeHead(400).end();
    }
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const close = () =>
    new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  return { url, close };
}

/** The folders of the demo, the package and a model, by path prefix. */
export function mounts(built, model) {
  return { "/package/": join(built, "package"), "/model/": model, "/": join(built, "demo") };
}

/**
 * Forwards `/daemon/` to a daemon, so the page can reach it at its own origin. `/daemon.json` tells
 * the page whether there is a daemon.
 */
export function proxyDaemon(daemon) {
  return (incoming, response, path) => {
    if (path === "/daemon.json") {
      const url = daemon ? "/daemon" : null;
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ url }));
      return true;
    }
    if (!daemon || !path.startsWith("/daemon/")) return false;
    const { method, headers } = incoming;
    const options = { method, headers: { ...headers, host: new URL(daemon).host }, timeout: PROXY_TIMEOUT_MS };
    const outgoing = request(daemon + incoming.url.slice("/daemon".length), options, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    response.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
    return true;
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const options = { built: {}, model: {}, daemon: {}, port: { default: "8081" } };
  for (const option of Object.values(options)) option.type = "string";
  const { values } = parseArgs({ options });
  if (!values.built || !values.model) {
    console.error("usage: serve.mjs --built target/web --model FOLDER [--daemon URL] [--port 8081]");
    process.exit(2);
  }
  const hook = proxyDaemon(values.daemon);
  const { url } = await serve({ mounts: mounts(values.built, values.model), port: Number(values.port), hook });
  console.log(`the demo is at ${url}`);
}
