/** Fetches the engine's code and compiles it while it arrives. */
import { get, STALL_MS } from "./download.js";
import { DownloadError, LoadError, UnsupportedError } from "./errors.js";
import { first, Stall } from "./signals.js";

export async function compile(url: URL, signal: AbortSignal): Promise<WebAssembly.Module> {
  const stall = new Stall(STALL_MS);
  try {
    const response = await get(url.href, "default", first(signal, stall.signal));
    const heard = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, control): void {
        stall.heard();
        control.enqueue(piece);
      },
    });
    // Some servers give `.wasm` files another type, which `compileStreaming` would refuse.
    const headers = { "content-type": "application/wasm" };
    const body = response.body?.pipeThrough(heard) ?? null;
    return await WebAssembly.compileStreaming(new Response(body, { headers }));
  } catch (error) {
    signal.throwIfAborted();
    if (stall.signal.aborted) {
      throw new DownloadError(`${url}: broke off: ${(stall.signal.reason as Error).message}`, url.href);
    }
    if (error instanceof LoadError) throw error;
    const why = (error as Error).message;
    if (/unsafe-eval|content security policy/i.test(why)) {
      throw new UnsupportedError(`${url}: the page's content security policy needs 'wasm-unsafe-eval': ${why}`);
    }
    throw new LoadError(`${url}: ${why}`);
  } finally {
    stall.end();
  }
}
