/** Messages between the page and its worker. */
import type { Wire } from "./wire.js";

/** The progress of `load` and `loadPack`. */
export interface Progress {
  /** `cache` and `download` count bytes; `open` opens the model. */
  phase: "download" | "cache" | "open";
  /** The file, for example `tokenizer.json`; `pack` is a vector pack. */
  file: string;
  /** Bytes that have arrived. */
  loaded: number;
  /** Bytes of the file, if known. */
  total: number | undefined;
}

/** The progress of a request. */
export interface Running {
  /** Tokens that the model has run. */
  done: number;
  /** Tokens that the model has to run. Texts whose vectors are known do not count. */
  total: number;
}

/** A daemon for large requests. */
export interface Offload {
  /**
   * The daemon's address, for example `https://shop.example/ranker`: at the page's origin, or at
   * an origin that allows the page by CORS.
   */
  url: string;
  /** Requests with at least this many tokens to run go to the daemon. 512 by default. */
  minTokens?: number;
  /** Milliseconds that the daemon may take. 2000 by default. */
  deadlineMs?: number;
  /** After a failure, milliseconds without requests to the daemon. 10000 by default. */
  pauseMs?: number;
}

/** A file of the model, and where it came from. */
export interface Source {
  file: string;
  from: "network" | "cache";
  bytes: number;
}

/** The result of `load`. */
export interface Loaded {
  /** This engine's answer to `GET /info`. */
  info: Info;
  /** The build of the engine that runs. */
  module: "relaxed" | "strict";
  sources: Source[];
  tookMs: number;
}

/** A vector pack that is loaded. */
export interface Pack {
  /** The items whose vectors it has. */
  items: number;
  /** Whether it is a delta. */
  delta: boolean;
  /** The number of the last change that it has; 0 for a pack of a list. `?since=` takes it. */
  sequence: number;
  bytes: number;
  tookMs: number;
}

/** The answer to `GET /info`, as the daemon gives it. */
export interface Info {
  model_id: string;
  model_digest: string;
  backend: string;
  dimensions: number | null;
  max_input_length: number;
  max_candidates: number;
  max_history: number;
  max_client_batch_size: number;
  version: string;
  [field: string]: unknown;
}

export interface Reply {
  /** JSON. */
  body: string;
  tokens: number;
  scoredBy: "device" | "daemon";
  /** Why the daemon did not score, if it was asked to. */
  fellBack: string | undefined;
  tookMs: number;
  /** Tokens that the model ran for this answer. The vectors of the other texts were known. */
  ran: number;
}

export type ToWorker =
  | { kind: "load"; id: number; model: string; module: "auto" | "relaxed" | "strict"; cache: boolean }
  | { kind: "request"; id: number; path: string; body: string; method: string; offload: Offload | undefined }
  | { kind: "pack"; id: number; pack: string | Uint8Array }
  | { kind: "abort"; id: number }
  | { kind: "forget"; id: number };

export type FromWorker =
  | { kind: "progress"; id: number; progress: Progress }
  | { kind: "running"; id: number; running: Running }
  | { kind: "loaded"; id: number; loaded: Loaded }
  | { kind: "packed"; id: number; pack: Pack }
  | { kind: "reply"; id: number; reply: Reply }
  | { kind: "done"; id: number }
  | { kind: "error"; id: number; error: Wire };
