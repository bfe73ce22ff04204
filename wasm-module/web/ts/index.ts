/** Ranks texts for a person on the device, with the same bits as on a server. */
import { DisposedError, LoadError, UnsupportedError } from "./errors.js";
import type { FromWorker, Info, Loaded, Offload, Pack, Progress, Reply, Running, Source, ToWorker } from "./protocol.js";
import { fromWire } from "./wire.js";

export * from "./errors.js";
export type { Info, Offload, Pack, Progress, Running, Source };

/** Options of `load`. */
export interface LoadOptions {
  /**
   * Address of the folder with `lockstep.json`, relative to the page. Its query goes to each file,
   * for example a signature.
   */
  model: string | URL;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /** A daemon for large requests. */
  offload?: Offload;
  /** Whether to keep the files in the browser's cache; true by default. */
  cache?: boolean;
  /** The build of the engine. `auto` takes the fastest one that this browser supports. */
  module?: "auto" | "relaxed" | "strict";
  /**
   * Makes the worker, for a page whose bundler or content security policy needs another way:
   * `() => new Worker(new URL("lockstep-web/worker.js", import.meta.url), { type: "module" })`.
   */
  worker?: () => Worker;
}

/** Options of every request. */
export interface RequestOptions {
  signal?: AbortSignal;
  /** Called after each slice of a request. */
  onProgress?: (running: Running) => void;
  /** Replaces the `offload` of `load`; `false` scores on the device. */
  offload?: Offload | false;
}

/** Options of `loadPack`. */
export interface PackOptions {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** A text that a person has read, bought or asked. */
export interface HistoryEntry {
  text: string;
  /** How much the text counts; 1 by default. */
  weight?: number;
}

/** A text to rank. */
export interface Candidate {
  /** Not empty, and different from all other ids. */
  id: string;
  /** Without it, a vector pack must have the item with this id. */
  text?: string;
}

export interface RankOptions extends RequestOptions {
  history: readonly (string | HistoryEntry)[];
  candidates: readonly Candidate[];
  /** How many candidates to return; all by default. */
  topN?: number;
  /** From 0 (only relevance) to 1 (only novelty). */
  diversity?: number;
  /** Whether to name the history entries behind each score. */
  explain?: boolean;
}

/** The facts about an answer that all answers have. */
export interface Scored {
  /** Where the scores were computed. They are the same on both. */
  scoredBy: "device" | "daemon";
  /** Why the device scored, if the daemon was asked to. */
  fellBack?: string;
  /** Tokens of the request's texts. */
  tokens: number;
  /** Tokens that the model ran on the device. Texts with a known vector cost nothing. */
  ran: number;
  tookMs: number;
}

export interface Ranked {
  id: string;
  /** Position among the candidates of the request. */
  index: number;
  score: number;
  /** The history entries behind the score, the most important first; only with `explain`. */
  because?: { history: number; similarity: number }[];
}

export interface RankResult extends Scored {
  /** The best item first. */
  items: Ranked[];
  model: string;
  modelDigest: string;
  /** The kernels that scored, for example `wasm-relaxed`. */
  backend: string;
  /** Positions of the texts that were longer than the model's input. */
  truncated?: { history: number[]; candidates: number[] };
}

export interface EmbedResult extends Scored {
  /** Vectors of length 1, in the order of the texts. */
  vectors: Float32Array[];
}

export interface EncodeResult extends Scored {
  /** The model's integers. They are equal on every machine. */
  vectors: Int32Array[];
}

export interface RerankResult extends Scored {
  /** The best item first. */
  items: { index: number; score: number }[];
}

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
  onProgress?: ((progress: never) => void) | undefined;
}

/** An open model in a worker of its own. */
export class Lockstep {
  readonly #channel: Channel;
  readonly #offload: Offload | undefined;
  /** The model's name and digest, and the limits of a request. */
  readonly info: Info;
  /** The build of the engine. */
  readonly module: "relaxed" | "strict";
  /** The files, and where they came from. */
  readonly sources: readonly Source[];
  /** Milliseconds that loading took. */
  readonly loadMs: number;

  /** `load` calls this. */
  constructor(channel: Channel, loaded: Loaded, offload: Offload | undefined) {
    this.#channel = channel;
    this.#offload = offload;
    this.info = loaded.info;
    this.module = loaded.module;
    this.sources = loaded.sources;
    this.loadMs = loaded.tookMs;
  }

  /** Puts candidates into the order that suits a person's history. */
  async rank(options: RankOptions): Promise<RankResult> {
    const { history, candidates, topN, diversity, explain } = options;
    const entries = Array.isArray(history)
      ? history.map((entry: string | HistoryEntry) => (typeof entry === "string" ? { text: entry } : entry))
      : history;
    const body = { user: { history: entries }, candidates, top_n: topN, diversity, explain };
    // A daemon does not know the packs that are loaded here.
    const alone = Array.isArray(candidates) && candidates.some((one: Candidate) => one?.text === undefined);
    const reply = await this.#send("/v1/rank", body, alone ? { ...options, offload: false } : options);
    const json = JSON.parse(reply.body) as {
      items: Ranked[];
      model: string;
      model_digest: string;
      backend: string;
      truncated?: { history: number[]; candidates: number[] };
      usage: { tokens: number };
    };
    const { items, model, model_digest: modelDigest, backend, truncated } = json;
    const result: RankResult = { items, model, modelDigest, backend, ...scored(reply), tokens: json.usage.tokens };
    return truncated ? { ...result, truncated } : result;
  }

  /** Gives a vector of length 1 for each text. */
  async embed(texts: readonly string[], options: RequestOptions = {}): Promise<EmbedResult> {
    const reply = await this.#send("/embed", { inputs: texts }, options);
    const vectors = (JSON.parse(reply.body) as number[][]).map((vector) => Float32Array.from(vector));
    return { vectors, ...scored(reply) };
  }

  /** Gives the model's integers for each text. */
  async encode(texts: readonly string[], options: RequestOptions = {}): Promise<EncodeResult> {
    const reply = await this.#send("/lockstep/encode", { inputs: texts }, options);
    const json = JSON.parse(reply.body) as { vectors: number[][] };
    return { vectors: json.vectors.map((vector) => Int32Array.from(vector)), ...scored(reply) };
  }

  /** Puts texts into the order of their score against a query. */
  async rerank(query: string, texts: readonly string[], options: RequestOptions = {}): Promise<RerankResult> {
    const reply = await this.#send("/rerank", { query, texts }, options);
    return { items: JSON.parse(reply.body) as { index: number; score: number }[], ...scored(reply) };
  }

  /**
   * Loads a vector pack: its address, or its bytes. Texts and ids that it has then cost `rank` no
   * token. A full pack takes the place of all that were loaded; a delta goes on from the last one.
   * The pack stays in the worker's memory.
   */
  async loadPack(pack: string | URL | Uint8Array | ArrayBuffer, options: PackOptions = {}): Promise<Pack> {
    const bytes = pack instanceof ArrayBuffer ? new Uint8Array(pack) : pack;
    const source = bytes instanceof Uint8Array ? bytes : address(bytes, "pack").href;
    return this.#channel.call<Pack>((id) => ({ kind: "pack", id, pack: source }), options.signal, options.onProgress);
  }

  /** Drops the vectors of all texts, of which the worker keeps 16 MiB. The model stays open. */
  async forget(): Promise<void> {
    await this.#channel.call<void>((id) => ({ kind: "forget", id }));
  }

  /** Ends the worker and frees its memory. Requests under way reject with `DisposedError`. */
  dispose(): void {
    this.#channel.close(new DisposedError("dispose() was called"));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #send(path: string, body: unknown, options: RequestOptions): Promise<Reply> {
    const chosen = options.offload === false ? undefined : (options.offload ?? this.#offload);
    // Relative addresses are relative to the page, not to the worker's script.
    const offload = chosen && { ...chosen, url: new URL(chosen.url, base()).href };
    return this.#channel.call<Reply>(
      (id) => ({ kind: "request", id, path, body: JSON.stringify(body), method: "POST", offload }),
      options.signal,
      options.onProgress,
    );
  }
}

function scored(reply: Reply): Scored {
  const { scoredBy, tokens, ran, tookMs, fellBack } = reply;
  return fellBack === undefined ? { scoredBy, tokens, ran, tookMs } : { scoredBy, tokens, ran, tookMs, fellBack };
}

/** Opens a model in a worker. */
export async function load(options: LoadOptions): Promise<Lockstep> {
  options.signal?.throwIfAborted();
  const model = folder(options.model);
  const channel = new Channel(options.worker ?? ownWorker);
  try {
    const { module = "auto", cache = true } = options;
    const loaded = await channel.call<Loaded>(
      (id) => ({ kind: "load", id, model, module, cache }),
      options.signal,
      options.onProgress,
    );
    return new Lockstep(channel, loaded, options.offload);
  } catch (error) {
    channel.close(new DisposedError("the model was not loaded"));
    throw error;
  }
}

/** The address to which others are relative: the page's, or that of the worker that calls. */
function base(): string | undefined {
  return globalThis.document?.baseURI ?? globalThis.location?.href;
}

/** An address that the option `name` has. */
function address(given: string | URL, name: string): URL {
  try {
    return new URL(given, base());
  } catch {
    throw new LoadError(`${name}: \`${String(given)}\` is no address`);
  }
}

/** The address of a folder: its path ends with one slash. */
function folder(given: string | URL): string {
  const url = address(given, "model");
  url.pathname = url.pathname.replace(/\/*$/, "/");
  url.hash = "";
  return url.href;
}

/**
 * Starts the worker. A browser starts workers from scripts of the page's own origin only, so for a
 * package at another origin (a CDN) the script is one line that imports the package's.
 */
function ownWorker(): Worker {
  if (typeof Worker === "undefined") throw new UnsupportedError("there are no workers here: load() needs a page");
  const script = new URL("./worker.js", import.meta.url);
  if (!/^https?:$/.test(script.protocol) || script.origin === globalThis.location?.origin) {
    return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "lockstep" });
  }
  const line = new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(line), { type: "module", name: "lockstep" });
}

/** Sends calls to the worker, and receives their results. */
class Channel {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #closed: Error | undefined;

  constructor(start: () => Worker) {
    try {
      this.#worker = start();
    } catch (error) {
      if (error instanceof LoadError) throw error;
      throw new LoadError(`the worker does not start: ${(error as Error).message}`);
    }
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>): void => this.#receive(data);
    this.#worker.onerror = (event): void => {
      event.preventDefault();
      this.close(new LoadError(`the worker broke: ${event.message || "its script cannot be loaded"}`));
    };
  }

  call<T>(
    message: (id: number) => ToWorker,
    signal?: AbortSignal,
    onProgress?: (progress: never) => void,
  ): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) throw this.#closed;
      signal?.throwIfAborted();
      const abort = (): void => {
        this.#waiting.delete(id);
        this.#worker.postMessage({ kind: "abort", id } satisfies ToWorker);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const end = (): void => signal?.removeEventListener("abort", abort);
      this.#waiting.set(id, {
        resolve: (value) => (end(), resolve(value)),
        reject: (error) => (end(), reject(error)),
        onProgress,
      });
      this.#worker.postMessage(message(id));
    });
  }

  close(reason: Error): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#worker.terminate();
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
  }

  #receive(data: FromWorker): void {
    const waiting = this.#waiting.get(data.id);
    if (!waiting) return;
    if (data.kind === "progress") return waiting.onProgress?.(data.progress as never);
    if (data.kind === "running") return waiting.onProgress?.(data.running as never);
    this.#waiting.delete(data.id);
    if (data.kind === "error") waiting.reject(fromWire(data.error));
    else if (data.kind === "loaded") waiting.resolve(data.loaded as never);
    else if (data.kind === "packed") waiting.resolve(data.pack as never);
    else if (data.kind === "reply") waiting.resolve(data.reply as never);
    else waiting.resolve(undefined as never);
  }
}
