/** What can go wrong. Aborting is not among them: it rejects with the signal's reason, as `fetch` does. */

/** The service's word for the kind of a refusal, as the daemon's JSON has it. */
export type ErrorType = "Validation" | "Empty" | "Tokenizer" | "Backend" | "Overloaded" | "Unhealthy";

/** All errors of this package. */
export class LockstepError extends Error {
  override name = "LockstepError";
}

/** A request that is refused. The message names the field and the value. */
export class RequestError extends LockstepError {
  override name = "RequestError";
  /** The service's word for it. */
  readonly errorType: ErrorType;
  /** The HTTP status that the daemon would send. */
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
/** There is nothing to work on: no texts, or a text of nothing. */
export class EmptyError extends RequestError {
  override name = "EmptyError";
}
/** The tokenizer refuses a text. */
export class TokenizerError extends RequestError {
  override name = "TokenizerError";
}
/** The model failed, or is of another kind than the request needs. */
export class BackendError extends RequestError {
  override name = "BackendError";
}
/** Too many requests wait already. */
export class OverloadedError extends RequestError {
  override name = "OverloadedError";
}
/** Nothing is ready to answer. */
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
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  constructor(message: string, url: string, status?: number) {
    super(message);
    this.url = url;
    this.status = status;
  }
}
/** A file is not the one that the manifest describes. */
export class IntegrityError extends LoadError {
  override name = "IntegrityError";
  readonly url: string;
  /** SHA-256 that the manifest has. */
  readonly expected: string;
  /** SHA-256 of what arrived. */
  readonly found: string;
  constructor(message: string, url: string, expected: string, found: string) {
    super(message);
    this.url = url;
    this.expected = expected;
    this.found = found;
  }
}
/** This browser lacks something that the package needs. */
export class UnsupportedError extends LoadError {
  override name = "UnsupportedError";
}
/** `dispose()` was called, or the worker broke. */
export class DisposedError extends LockstepError {
  override name = "DisposedError";
}
