import type { PackReason } from "./errors.js";

/** The JavaScript that wasm-bindgen writes around `lockstep_web`. Both builds use the same. */
export class Answer {
  readonly status: number;
  readonly tokens: number;
  readonly body: string;
  free(): void;
}
export class PackAnswer {
  readonly reason: "" | PackReason;
  readonly message: string;
  readonly items: number;
  readonly sequence: number;
  readonly delta: boolean;
  free(): void;
}
export class Engine {
  constructor(model: Uint8Array, tokenizer: Uint8Array, manifest: Uint8Array);
  read(method: string, path: string, body: string): Answer | undefined;
  load_pack(file: Uint8Array): PackAnswer;
  weigh(): number;
  step(budget: number): number;
  finish(): Answer;
  cancel(): void;
  forget(): void;
  free(): void;
}
export default function init(source: { module_or_path: WebAssembly.Module }): Promise<unknown>;
