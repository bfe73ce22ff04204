/** Downloads a file piece by piece. */
import { DownloadError } from "./errors.js";
import { first, Stall } from "./signals.js";

/** A download without a byte for so long has failed. */
export const STALL_MS = 30_000;

/** Called with the bytes that have arrived, and with those of the whole file, if known. */
export type Tell = (loaded: number, total: number | undefined) => void;

/**
 * The bytes at an address. `size` is their number if it is known beforehand: servers at another
 * origin may compress a file and hide it, and the length that they name is then that of the
 * compressed file.
 */
export async function download(
  url: string,
  cache: RequestCache,
  size: number | undefined,
  tell: Tell,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stall = new Stall(STALL_MS);
  const pieces: Uint8Array[] = [];
  let loaded = 0;
  try {
    const response = await get(url, cache, first(signal, stall.signal));
    let total = size ?? length(response);
    const reader = response.body?.getReader();
    tell(loaded, total);
    for (;;) {
      stall.heard();
      const { done, value } = reader ? await reader.read() : { done: true, value: undefined };
      if (done || !value) break;
      pieces.push(value);
      loaded += value.length;
      if (total !== undefined && loaded > total) total = undefined;
      tell(loaded, total);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DownloadError && !stall.signal.aborted) throw error;
    const why = stall.signal.aborted ? (stall.signal.reason as Error) : (error as Error);
    throw new DownloadError(`${url}: broke off after ${loaded} bytes: ${why.message}`, url);
  } finally {
    stall.end();
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The length that the server names, unless the body is compressed. */
function length(response: Response): number | undefined {
  const named = Number(response.headers.get("content-length"));
  const encoded = response.headers.get("content-encoding");
  return !encoded && Number.isSafeInteger(named) && named > 0 ? named : undefined;
}

/** A response with a status of success. */
export async function get(url: string, cache: RequestCache, signal: AbortSignal): Promise<Response> {
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
