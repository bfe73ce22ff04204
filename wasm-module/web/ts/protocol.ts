/** Messages between the page and its worker. */
import type { Wire } from "./wire.js";

/** What `load` is doing; bytes of the model folder. */
export interface Progress {
  /** `cache` and `download` have bytes, `open` is the model being made ready. */
  phase: "download" | "cache" | "open";
  /** The file, for example `tokenizer.json`. */
  file: string;
  /** Bytes that are there. */
  loaded: number;
  /** Bytes of the file, where known. */
  total: number | undefined;
}

/** What a request has run so far. */
export interface Running {
  /** Tokens that the model has run. */
  done: number;
  /** Tokens that it has to run; texts that it knows count nothing. */
  total: number;
}

/** Where heavier batches go. */
export interface Offload {
  /** The daemon, at the page's origin or where CORS is allowed, for example `https://shop.example/ranker`. */
  url: string;
  /** Requests with at least as many tokens to run are sent there. 512 by default. */
  minTokens?: number;
  /** Milliseconds that the daemon has for an answer. 2000 by default. */
  deadlineMs?: number;
  /** Milliseconds for which a daemon that failed is left alone. 10000 by default. */
  pauseMs?: number;
}

/** Where the model's files came from. */
export interface Source {
  file: string;
  from: "network" | "cache";
  bytes: number;
}

/** What `load` found. */
export interface Loaded {
  /** The daemon's `GET /info` for this engine. */
  info: Info;
  /** Which build of the engine runs. */
  module: "relaxed" | "strict";
  sources: Source[];
  tookMs: number;
}

/** As `GET /info` of the daemon. */
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
  /** JSON, or for vectors their numbers. */
  body: string;
  tokens: number;
  scoredBy: "device" | "daemon";
  /** Why the daemon did not score, where it should have. */
  fellBack: string | undefined;
  tookMs: number;
  /** Tokens that were run for this answer; the rest was known. */
  ran: number;
}

export type ToWorker =
  | { kind: "load"; id: number; model: string; module: "auto" | "relaxed" | "strict"; cache: boolean }
  | { kind: "request"; id: number; path: string; body: string; method: string; offload: Offload | undefined }
  | { kind: "abort"; id: number }
  | { kind: "forget"; id: number };

export type FromWorker =
  | { kind: "progress"; id: number; progress: Progress }
  | { kind: "running"; id: number; running: Running }
  | { kind: "loaded"; id: number; loaded: Loaded }
  | { kind: "reply"; id: number; reply: Reply }
  | { kind: "done"; id: number }
  | { kind: "error"; id: number; error: Wire };
