/** Signals that end a call: several at once, and one that fires when nothing arrives any more. */

/** A signal that aborts with the first of these. Safari before 17.4 has no `AbortSignal.any`. */
export function first(...signals: AbortSignal[]): AbortSignal {
  if (AbortSignal.any) return AbortSignal.any(signals);
  const both = new AbortController();
  const follow = (): void => {
    both.abort(signals.find((signal) => signal.aborted)?.reason);
    for (const signal of signals) signal.removeEventListener("abort", follow);
  };
  for (const signal of signals) {
    if (signal.aborted) return follow(), both.signal;
    signal.addEventListener("abort", follow);
  }
  return both.signal;
}

/** Aborts when `heard` was not called for a while. */
export class Stall {
  readonly #abort = new AbortController();
  readonly #limitMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.heard();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Something arrived. */
  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(new Error(`nothing for ${this.#limitMs} ms`)), this.#limitMs);
  }

  /** Nothing is awaited any more. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
