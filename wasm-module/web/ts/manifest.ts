/** Reads `lockstep.json`: which files the model has, with their digests and sizes. */
import { get } from "./download.js";
import { DownloadError, LoadError } from "./errors.js";
import type { Source } from "./protocol.js";
import { first } from "./signals.js";
import type { Store } from "./store.js";

export const MANIFEST = "lockstep.json";
/** How long to wait for the manifest before the cached one is used. */
const DEADLINE_MS = 5000;

export interface Manifest {
  bytes: Uint8Array;
  /** SHA-256 of each file in hexadecimal. */
  digests: Record<string, string>;
  /** Bytes of each file; models of earlier releases name none. */
  sizes: Record<string, number>;
}

/**
 * Fetches the manifest from `url`. The cache keeps it under `key`. If the network gives none, or
 * something else such as the sign-in page of a hotel, the last one is taken.
 */
export async function readManifest(
  url: string,
  key: string,
  store: Store,
  signal: AbortSignal,
  sources: Source[],
): Promise<Manifest> {
  try {
    const response = await get(url, "no-cache", first(signal, AbortSignal.timeout(DEADLINE_MS)));
    const bytes = new Uint8Array(await response.arrayBuffer());
    const manifest = parsed(bytes, url, response.headers.get("content-type"));
    await store.put(key, bytes);
    sources.push({ file: MANIFEST, from: "network", bytes: bytes.length });
    return manifest;
  } catch (error) {
    signal.throwIfAborted();
    // A server that answers with an error is right. The cache is for servers that do not answer.
    const answered = error instanceof DownloadError && error.status !== undefined && error.status < 500;
    const cached = answered ? undefined : await store.get(key);
    if (!cached) {
      if (error instanceof LoadError) throw error;
      throw new DownloadError(`${url}: ${(error as Error).message}`, url);
    }
    sources.push({ file: MANIFEST, from: "cache", bytes: cached.length });
    return parsed(cached, url, null);
  }
}

function parsed(bytes: Uint8Array, url: string, type: string | null): Manifest {
  const refuse = (why: string): LoadError => new LoadError(`${url}: not a manifest: ${why}`);
  let json: Partial<Manifest> | null;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Manifest> | null;
  } catch (error) {
    throw refuse(type?.startsWith("text/html") ? "the server sent an HTML page" : (error as Error).message);
  }
  if (typeof json?.digests !== "object" || json.digests === null) throw refuse("it has no digests");
  return { bytes, digests: { ...json.digests }, sizes: { ...json.sizes } };
}
