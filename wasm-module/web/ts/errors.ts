/**
 * The errors of this package. An aborted call does not reject with one of them but with the
 * signal's reason, as `fetch` does.
 */

/** The kind of a refusal, as `error_type` in the JSON of the service. */
export type ErrorType = "Validation" | "Empty" | "Tokenizer" | "Backend" | "Overloaded" | "Unhealthy";

/** All errors of this package. */
export class LockstepError extends Error {
  override name = "LockstepError";
}

/** A request that is refused. The message names the field and the value. */
export class RequestError extends LockstepError {
  override name = "RequestError";
  /** The kind of the refusal. */
  readonly errorType: ErrorType;
  /** The HTTP status, as the daemon would send it. */
  readonly status: number;
  constructor(message: string, errorType: ErrorType, status: number) {
    super(message);
    this.errorType = errorType;
    this.status = status;
  }
}

/** A field is missing, unknown, of the wrong type, out of range, or too large. */
export class ValidationError extends RequestError {
  override name = "ValidationError";
}
/** A list, a text or an id is empty. */
export class EmptyError extends RequestError {
  override name = "EmptyError";
}
/** The tokenizer refuses a text. */
export class TokenizerError extends RequestError {
  override name = "TokenizerError";
}
/** The model failed, or the request needs a model of another kind. */
export class BackendError extends RequestError {
  override name = "BackendError";
}
/** Too many requests wait already. */
export class OverloadedError extends RequestError {
  override name = "OverloadedError";
}
/** The service is not ready to answer. */
export class UnhealthyError extends RequestError {
  override name = "UnhealthyError";
}

/** The model cannot be opened. */
export class LoadError extends LockstepError {
  override name = "LoadError";
}
/** A file cannot be fetched. */
export class DownloadError extends LoadError {
  override name = "DownloadError";
  readonly url: string;
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined;
  constructor(message: string, url: string, status?: number) {
    super(message);
    this.url = url;
    this.status = status;
  }
}
/** The SHA-256 of a file differs from the manifest. */
export class IntegrityError extends LoadError {
  override name = "IntegrityError";
  readonly url: string;
  /** The SHA-256 in the manifest. */
  readonly expected: string;
  /** The SHA-256 of the file that arrived. */
  readonly found: string;
  constructor(message: string, url: string, expected: string, found: string) {
    super(message);
    this.url = url;
    this.expected = expected;
    this.found = found;
  }
}
/** Why a vector pack is refused: its bytes, its model, or the base of a delta. */
export type PackReason = "damaged" | "model" | "base";

/** A vector pack that is damaged, of another model, or a delta of another base. */
export class PackError extends LoadError {
  override name = "PackError";
  readonly reason: PackReason;
  constructor(message: string, reason: PackReason) {
    super(message);
    this.reason = reason;
  }
}
/** The browser lacks a feature that the package needs. */
export class UnsupportedError extends LoadError {
  override name = "UnsupportedError";
}
/** `dispose()` was called, or the worker failed. */
export class DisposedError extends LockstepError {
  override name = "DisposedError";
}
