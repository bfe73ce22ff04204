/** Sends large requests to a daemon that has the same model. */
import type { Offload, Reply } from "./protocol.js";
import { first } from "./signals.js";

/** What the worker knows about a daemon. */
interface Known {
  digest?: string;
  /** No request goes to the daemon before this time of `performance.now()`. */
  pausedUntil: number;
  /** Why the daemon failed. */
  failure: string;
}

const known = new Map<string, Known>();

export type Outcome = { reply: Reply } | { fellBack: string };

/**
 * Asks the daemon. If the daemon fails, or does not answer within its deadline, the result is the
 * reason, and the worker scores itself. The promise rejects only if `signal` aborts.
 */
export async function atDaemon(
  offload: Offload,
  method: string,
  path: string,
  body: string,
  digest: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const base = offload.url.replace(/\/+$/, "");
  const daemon = known.get(base) ?? { pausedUntil: 0, failure: "" };
  known.set(base, daemon);
  const started = performance.now();
  if (started < daemon.pausedUntil) return { fellBack: daemon.failure };
  const deadline = offload.deadlineMs ?? 2000;
  const both = first(signal, AbortSignal.timeout(deadline));
  try {
    if (daemon.digest === undefined) {
      const response = await fetch(`${base}/info`, { signal: both });
      if (!response.ok) throw new Error(`/info answered ${response.status}`);
      daemon.digest = ((await response.json()) as { model_digest: string }).model_digest;
    }
    sameModel(daemon.digest, digest);
    const headers = { "content-type": "application/json" };
    const init = method === "POST" ? { method, body, headers, signal: both } : { method, signal: both };
    const response = await fetch(base + path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 200)}`);
    // The daemon may have been restarted with another model since it gave its digest.
    sameModel(response.headers.get("x-lockstep-model-digest"), digest);
    const tokens = Number(response.headers.get("x-compute-tokens") ?? 0);
    const tookMs = performance.now() - started;
    return { reply: { body: text, tokens, scoredBy: "daemon", fellBack: undefined, tookMs, ran: 0 } };
  } catch (error) {
    signal.throwIfAborted();
    const late = both.aborted ? `no answer within ${deadline} ms` : (error as Error).message;
    daemon.failure = `${base}: ${late}`;
    delete daemon.digest;
    daemon.pausedUntil = performance.now() + (offload.pauseMs ?? 10_000);
    return { fellBack: daemon.failure };
  }
}

function sameModel(there: string | null, here: string): void {
  if (there !== here) throw new Error(`it has the model ${there ?? "of no name"}, here is ${here}`);
}
