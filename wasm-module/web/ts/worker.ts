/**
 * The worker: one engine, one request at a time. It runs a request in slices and reads its messages
 * between two slices.
 */
import { compile } from "./code.js";
import init, { Engine } from "./engine.js";
import { download } from "./download.js";
import { LoadError, PackError, UnsupportedError } from "./errors.js";
import { atDaemon } from "./offload.js";
import { relaxedSimd, simd } from "./probe.js";
import type { FromWorker, Info, Loaded, Pack, Progress, Reply, ToWorker } from "./protocol.js";
import { first } from "./signals.js";
import { files } from "./weights.js";
import { toWire, type Wire } from "./wire.js";

/** Tokens of a slice. */
const SLICE = 256;
const OFFLOAD_TOKENS = 512;

let engine: Engine | undefined;
let info: Info | undefined;
let queue: Promise<unknown> = Promise.resolve();
const aborts = new Map<number, AbortController>();

const post = (message: FromWorker): void => postMessage(message);

/** A refusal for the page. */
class Refused extends Error {
  constructor(readonly wire: Wire) {
    super();
  }
}

onmessage = ({ data }: MessageEvent<ToWorker>): void => {
  if (data.kind === "abort") {
    aborts.get(data.id)?.abort();
    return;
  }
  const abort = new AbortController();
  aborts.set(data.id, abort);
  queue = queue.then(async () => {
    try {
      abort.signal.throwIfAborted();
      if (data.kind === "load") post({ kind: "loaded", id: data.id, loaded: await load(data, abort.signal) });
      else if (data.kind === "pack") post({ kind: "packed", id: data.id, pack: await loadPack(data, abort.signal) });
      else if (data.kind === "request") post({ kind: "reply", id: data.id, reply: await answer(data, abort.signal) });
      else {
        engine?.forget();
        post({ kind: "done", id: data.id });
      }
    } catch (error) {
      // If the page aborted, it has rejected already and ignores this message.
      post({ kind: "error", id: data.id, error: wire(error) });
    } finally {
      aborts.delete(data.id);
    }
  });
};

function wire(error: unknown): Wire {
  if (error instanceof Refused) return error.wire;
  // After a trap the engine's memory is undefined, so the engine is dropped.
  if (error instanceof WebAssembly.RuntimeError) engine = undefined;
  return toWire(error);
}

async function load(data: ToWorker & { kind: "load" }, signal: AbortSignal): Promise<Loaded> {
  const started = performance.now();
  if (!simd()) throw new UnsupportedError("this browser has no WebAssembly SIMD");
  if (data.module === "relaxed" && !relaxedSimd()) {
    throw new UnsupportedError("this browser has no relaxed WebAssembly SIMD");
  }
  const module = data.module === "auto" ? (relaxedSimd() ? "relaxed" : "strict") : data.module;
  const url =
    module === "relaxed"
      ? new URL("./lockstep-relaxed.wasm", import.meta.url)
      : new URL("./lockstep-strict.wasm", import.meta.url);
  const tell = (progress: Progress): void => post({ kind: "progress", id: data.id, progress });
  const stop = new AbortController();
  const both = first(signal, stop.signal);
  const [code, read] = await Promise.all([compile(url, both), files(data.model, data.cache, tell, both)]).catch(
    (error: unknown) => {
      // One part failed, so the other part is of no use.
      stop.abort();
      throw error;
    },
  );
  const total = read.model.length;
  tell({ phase: "open", file: "model", loaded: 0, total });
  await init({ module_or_path: code });
  try {
    engine = new Engine(read.model, read.tokenizer, read.manifest);
  } catch (error) {
    throw new LoadError((error as Error).message);
  }
  const answer = engine.read("GET", "/info", "") ?? engine.finish();
  info = JSON.parse(answer.body) as Info;
  tell({ phase: "open", file: "model", loaded: total, total });
  return { info, module, sources: read.sources, tookMs: performance.now() - started };
}

async function loadPack(data: ToWorker & { kind: "pack" }, signal: AbortSignal): Promise<Pack> {
  const started = performance.now();
  const { id, pack } = data;
  const tell = (loaded: number, total: number | undefined): void =>
    post({ kind: "progress", id, progress: { phase: "download", file: "pack", loaded, total } });
  // The server says whether the pack in the browser's cache is still the right one.
  const bytes = typeof pack === "string" ? await download(pack, "no-cache", undefined, tell, signal) : pack;
  if (!engine) throw new LoadError("no model is open");
  const answer = engine.load_pack(bytes);
  try {
    const { reason, message, items, sequence, delta } = answer;
    if (reason !== "") throw new PackError(typeof pack === "string" ? `${pack}: ${message}` : message, reason);
    return { items, delta, sequence, bytes: bytes.length, tookMs: performance.now() - started };
  } finally {
    answer.free();
  }
}

async function answer(data: ToWorker & { kind: "request" }, signal: AbortSignal): Promise<Reply> {
  if (!engine || !info) throw new LoadError("no model is open");
  const started = performance.now();
  const refusal = engine.read(data.method, data.path, data.body);
  if (refusal) throw new Refused({ kind: "refusal", status: refusal.status, body: refusal.body });
  try {
    const total = engine.weigh();
    let fellBack: string | undefined;
    if (data.offload && total >= (data.offload.minTokens ?? OFFLOAD_TOKENS)) {
      const { offload, method, path, body } = data;
      const outcome = await atDaemon(offload, method, path, body, info.model_digest, signal);
      if ("reply" in outcome) return outcome.reply;
      fellBack = outcome.fellBack;
    }
    let ran = 0;
    for (;;) {
      await messages();
      signal.throwIfAborted();
      const tokens = engine.step(SLICE);
      if (tokens === 0) break;
      ran += tokens;
      post({ kind: "running", id: data.id, running: { done: ran, total } });
    }
    const answer = engine.finish();
    if (answer.status !== 200) throw new Refused({ kind: "refusal", status: answer.status, body: answer.body });
    const tookMs = performance.now() - started;
    return { body: answer.body, tokens: answer.tokens, scoredBy: "device", fellBack, tookMs, ran };
  } finally {
    engine.cancel();
  }
}

/** Waits until the worker has read the messages that have arrived. */
const turn = new MessageChannel();
let turned: (() => void) | undefined;
turn.port1.onmessage = (): void => turned?.();
function messages(): Promise<void> {
  return new Promise((resolve) => {
    turned = resolve;
    turn.port2.postMessage(0);
  });
}
