/** Loads the files of a model folder: streams them, checks their digests, caches them. */
import { DownloadError, IntegrityError, LoadError } from "./errors.js";
import type { Progress, Source } from "./protocol.js";

const CACHE = "lockstep";
const MANIFEST = "lockstep.json";
const TOKENIZER = "tokenizer.json";
/** Names of the model's file. The first one that the manifest lists is used. */
const MODELS = ["model.lockstep", "model.onnx"];
/** How long to wait for the manifest before the cached one is used. */
const MANIFEST_DEADLINE_MS = 5000;

export interface Files {
  model: Uint8Array;
  tokenizer: Uint8Array;
  manifest: Uint8Array;
  sources: Source[];
}

type OnProgress = (progress: Progress) => void;

/** Gets the files from the cache or the network. `folder` ends with a slash. */
export async function files(folder: string, useCache: boolean, tell: OnProgress, signal: AbortSignal): Promise<Files> {
  // Browsers have caches in secure contexts only. Without a cache, all files are fetched.
  const cache = useCache && globalThis.caches ? await caches.open(CACHE).catch(() => undefined) : undefined;
  const sources: Source[] = [];
  const manifest = await readManifest(folder + MANIFEST, cache, signal, sources);
  const digests = readDigests(manifest, folder + MANIFEST);
  const model = MODELS.find((name) => name in digests);
  if (!model) throw new LoadError(`${folder + MANIFEST}: no digest of ${MODELS.join(" or ")}`);
  const read = async (name: string): Promise<Uint8Array> => {
    const digest = digests[name];
    if (digest === undefined) throw new LoadError(`${folder + MANIFEST}: no digest of ${name}`);
    const get = (): Promise<Uint8Array> => checked(folder + name, name, digest, cache, tell, signal, sources);
    // The lock waits for another tab that loads the same file; that tab stores it in the cache.
    return cache && navigator.locks ? navigator.locks.request(`lockstep-${digest}`, { signal }, get) : get();
  };
  return { tokenizer: await read(TOKENIZER), model: await read(model), manifest, sources };
}

function readDigests(manifest: Uint8Array, url: string): Record<string, string> {
  try {
    const json = JSON.parse(new TextDecoder().decode(manifest)) as { digests: Record<string, string> };
    return { ...json.digests };
  } catch (error) {
    throw new LoadError(`${url}: not a manifest: ${(error as Error).message}`);
  }
}

/** Fetches the manifest. Without a network, takes the last one from the cache. */
async function readManifest(
  url: string,
  cache: Cache | undefined,
  signal: AbortSignal,
  sources: Source[],
): Promise<Uint8Array> {
  const deadline = AbortSignal.timeout(MANIFEST_DEADLINE_MS);
  try {
    const response = await get(url, "no-cache", AbortSignal.any([signal, deadline]));
    const bytes = new Uint8Array(await response.arrayBuffer());
    await put(cache, url, bytes);
    sources.push({ file: MANIFEST, from: "network", bytes: bytes.length });
    return bytes;
  } catch (error) {
    signal.throwIfAborted();
    const cached = await cache?.match(url);
    // A server that answers with an error is right. The cache is for servers that do not answer.
    if (!cached || (error instanceof DownloadError && error.status !== undefined && error.status < 500)) {
      if (error instanceof DownloadError) throw error;
      throw new DownloadError(`${url}: ${(error as Error).message}`, url);
    }
    const bytes = new Uint8Array(await cached.arrayBuffer());
    sources.push({ file: MANIFEST, from: "cache", bytes: bytes.length });
    return bytes;
  }
}

/** Gets one file, from the cache if its digest is right there. */
async function checked(
  url: string,
  file: string,
  digest: string,
  cache: Cache | undefined,
  tell: OnProgress,
  signal: AbortSignal,
  sources: Source[],
): Promise<Uint8Array> {
  const key = `${url}?sha256=${digest}`;
  const cached = await cache?.match(key);
  if (cached) {
    const bytes = new Uint8Array(await cached.arrayBuffer());
    signal.throwIfAborted();
    if ((await sha256(bytes, digest)) === digest) {
      tell({ phase: "cache", file, loaded: bytes.length, total: bytes.length });
      sources.push({ file, from: "cache", bytes: bytes.length });
      return bytes;
    }
    await cache?.delete(key);
  }
  // A wrong digest may come from a stale HTTP cache, so the second try bypasses HTTP caches.
  for (const mode of ["default", "reload"] as const) {
    const bytes = await download(url, file, mode, tell, signal);
    const found = await sha256(bytes, digest);
    signal.throwIfAborted();
    if (found === digest) {
      await replace(cache, url, key, bytes);
      sources.push({ file, from: "network", bytes: bytes.length });
      return bytes;
    }
    if (mode === "reload") {
      const message = `${url} (${bytes.length} bytes) has SHA-256 ${found}, ${MANIFEST} says ${digest}`;
      throw new IntegrityError(message, url, digest, found);
    }
  }
  throw new LoadError(`${url}: not reached`);
}

async function download(
  url: string,
  file: string,
  mode: RequestCache,
  tell: OnProgress,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const response = await get(url, mode, signal);
  // The length of a compressed body is not the length of the file.
  const encoded = response.headers.get("content-encoding");
  const length = Number(response.headers.get("content-length"));
  const total = !encoded && Number.isSafeInteger(length) && length > 0 ? length : undefined;
  const pieces: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body?.getReader();
  try {
    tell({ phase: "download", file, loaded, total });
    for (;;) {
      const { done, value } = reader ? await reader.read() : { done: true, value: undefined };
      if (done || !value) break;
      pieces.push(value);
      loaded += value.length;
      tell({ phase: "download", file, loaded, total });
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new DownloadError(`${url}: broke off after ${loaded} bytes: ${(error as Error).message}`, url);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function get(url: string, cache: RequestCache, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { cache, signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new DownloadError(`${url}: ${(error as Error).message}`, url);
  }
  if (!response.ok) throw new DownloadError(`${url}: HTTP ${response.status}`, url, response.status);
  return response;
}

/** Stores a file and deletes the older files of the same address. */
async function replace(cache: Cache | undefined, url: string, key: string, bytes: Uint8Array): Promise<void> {
  if (!cache) return;
  for (const old of await cache.keys(url, { ignoreSearch: true })) await cache.delete(old);
  await put(cache, key, bytes);
}

/** Stores a file. If the disk is full, the next visit downloads the file again. */
async function put(cache: Cache | undefined, key: string, bytes: Uint8Array): Promise<void> {
  await cache?.put(key, new Response(bytes as Uint8Array<ArrayBuffer>)).catch(() => undefined);
}

/**
 * The SHA-256 in hexadecimal. Pages outside a secure context cannot compute it and get `expected`;
 * then only the engine checks the digest, when it opens the files.
 */
async function sha256(bytes: Uint8Array, expected: string): Promise<string> {
  if (!globalThis.crypto?.subtle) return expected;
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
