/** Carries errors from the worker to the page. */
import {
  BackendError,
  DisposedError,
  DownloadError,
  EmptyError,
  type ErrorType,
  IntegrityError,
  LoadError,
  type LockstepError,
  OverloadedError,
  PackError,
  type PackReason,
  type RequestError,
  TokenizerError,
  UnhealthyError,
  UnsupportedError,
  ValidationError,
} from "./errors.js";

const REQUEST_ERRORS = {
  Validation: ValidationError,
  Empty: EmptyError,
  Tokenizer: TokenizerError,
  Backend: BackendError,
  Overloaded: OverloadedError,
  Unhealthy: UnhealthyError,
};

/** Makes an error from the JSON of a refusal. */
export function refusal(status: number, body: string): RequestError {
  let error = body;
  let type: ErrorType = "Backend";
  try {
    const json = JSON.parse(body) as { error: string; error_type: ErrorType };
    error = json.error;
    if (json.error_type in REQUEST_ERRORS) type = json.error_type;
  } catch {
    // The body is no JSON; the error shows its text.
  }
  return new REQUEST_ERRORS[type](error, type, status);
}

/** An error as data: messages between worker and page cannot carry classes. */
export type Wire =
  | { kind: "load" | "unsupported" | "disposed" | "trap"; message: string }
  | { kind: "download"; message: string; url: string; status?: number }
  | { kind: "integrity"; message: string; url: string; expected: string; found: string }
  | { kind: "pack"; message: string; reason: PackReason }
  | { kind: "refusal"; status: number; body: string };

export function toWire(error: unknown): Wire {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof IntegrityError) {
    return { kind: "integrity", message, url: error.url, expected: error.expected, found: error.found };
  }
  if (error instanceof DownloadError) {
    const wire: Wire = { kind: "download", message, url: error.url };
    return error.status === undefined ? wire : { ...wire, status: error.status };
  }
  if (error instanceof PackError) return { kind: "pack", message, reason: error.reason };
  if (error instanceof WebAssembly.RuntimeError) return { kind: "trap", message };
  return { kind: error instanceof UnsupportedError ? "unsupported" : "load", message };
}

export function fromWire(wire: Wire): LockstepError {
  switch (wire.kind) {
    case "refusal":
      return refusal(wire.status, wire.body);
    case "integrity":
      return new IntegrityError(wire.message, wire.url, wire.expected, wire.found);
    case "download":
      return new DownloadError(wire.message, wire.url, wire.status);
    case "pack":
      return new PackError(wire.message, wire.reason);
    case "trap":
      // The status and the type that the daemon gives a trap.
      return new BackendError(`the engine failed: ${wire.message}`, "Backend", 424);
    case "unsupported":
      return new UnsupportedError(wire.message);
    case "disposed":
      return new DisposedError(wire.message);
    default:
      return new LoadError(wire.message);
  }
}
