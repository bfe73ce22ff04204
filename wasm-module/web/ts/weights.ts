/** Loads the files of a model folder: streams them, checks their digests, caches them. */
import { download } from "./download.js";
import { IntegrityError, LoadError } from "./errors.js";
import { MANIFEST, readManifest } from "./manifest.js";
import type { Progress, Source } from "./protocol.js";
import { first } from "./signals.js";
import { Store } from "./store.js";

const TOKENIZER = "tokenizer.json";
/** Names of the model's file. The first one that the manifest lists is used. */
const MODELS = ["model.lockstep", "model.onnx"];
/** How long to wait for another tab that loads the same file, before this one loads it too. */
const OTHER_TAB_MS = 60_000;

export interface Files {
  model: Uint8Array;
  tokenizer: Uint8Array;
  manifest: Uint8Array;
  sources: Source[];
}

type OnProgress = (progress: Progress) => void;

/** A file of the folder. */
interface Wanted {
  name: string;
  /** Where to fetch it: with the query of the folder's address, which may be a signature. */
  url: string;
  /** Its name in the cache: without the query, since the next visit may have another one. */
  address: string;
  digest: string;
  size: number | undefined;
}

/** Gets the files from the cache or the network. The path of the address `folder` ends with `/`. */
export async function files(folder: string, useCache: boolean, tell: OnProgress, signal: AbortSignal): Promise<Files> {
  const store = await Store.open(useCache);
  const sources: Source[] = [];
  const at = (name: string): URL => {
    const url = new URL(folder);
    url.pathname += name;
    return url;
  };
  const bare = (url: URL): string => url.origin === "null" ? url.href.replace(/[?#].*/, "") : url.origin + url.pathname;
  const place = at(MANIFEST);
  const { bytes: manifest, digests, sizes } = await readManifest(place.href, bare(place), store, signal, sources);
  const model = MODELS.find((name) => name in digests);
  if (!model) throw new LoadError(`${place.href}: no digest of ${MODELS.join(" or ")}`);
  const read = (name: string): Promise<Uint8Array> => {
    const digest = digests[name];
    if (digest === undefined) throw new LoadError(`${place.href}: no digest of ${name}`);
    const url = at(name);
    const wanted = { name, url: url.href, address: bare(url), digest, size: sizes[name] };
    const get = (): Promise<Uint8Array> => checked(wanted, store, tell, signal, sources);
    return store.keeps ? alone(`lockstep-${digest}`, signal, get) : get();
  };
  return { tokenizer: await read(TOKENIZER), model: await read(model), manifest, sources };
}

/**
 * Calls `get` while no other tab calls it: the other tab stores the file in the cache. A tab that
 * takes too long is not waited for.
 */
async function alone<T>(name: string, signal: AbortSignal, get: () => Promise<T>): Promise<T> {
  if (!navigator.locks) return get();
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), OTHER_TAB_MS);
  let begun = false;
  const work = (): Promise<T> => {
    clearTimeout(timer);
    begun = true;
    return get();
  };
  try {
    return await navigator.locks.request(name, { signal: first(signal, enough.signal) }, work);
  } catch (error) {
    signal.throwIfAborted();
    // Some contexts, such as sandboxed frames, have the API and refuse every lock.
    if (begun) throw error;
    return get();
  } finally {
    clearTimeout(timer);
  }
}

/** Gets one file, from the cache if its digest is right there. */
async function checked(
  { name, url, address, digest, size }: Wanted,
  store: Store,
  tell: OnProgress,
  signal: AbortSignal,
  sources: Source[],
): Promise<Uint8Array> {
  const key = `${address}?sha256=${digest}`;
  const cached = await store.get(key);
  if (cached) {
    signal.throwIfAborted();
    if ((await sha256(cached, digest)) === digest) {
      tell({ phase: "cache", file: name, loaded: cached.length, total: cached.length });
      sources.push({ file: name, from: "cache", bytes: cached.length });
      return cached;
    }
    await store.drop(key);
  }
  const arrived = (loaded: number, total: number | undefined): void =>
    tell({ phase: "download", file: name, loaded, total });
  // A wrong digest may come from a stale HTTP cache, so the second try bypasses HTTP caches.
  for (const mode of ["default", "reload"] as const) {
    const bytes = await download(url, mode, size, arrived, signal);
    const found = await sha256(bytes, digest);
    signal.throwIfAborted();
    if (found === digest) {
      await store.replace(address, key, bytes);
      sources.push({ file: name, from: "network", bytes: bytes.length });
      return bytes;
    }
    if (mode === "reload") {
      const message = `${url} (${bytes.length} bytes) has SHA-256 ${found}, ${MANIFEST} says ${digest}`;
      throw new IntegrityError(message, url, digest, found);
    }
  }
  throw new LoadError(`${url}: not reached`);
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
