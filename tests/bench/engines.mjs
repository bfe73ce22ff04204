// The engines that the bench compares in a page and in Node: our module, called by its plain
// exports, and onnxruntime-web.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const POST = encoder.encode("POST");
const ENCODE = encoder.encode("/lockstep/encode");

/**
 * Our module with a model. `files` are a model folder's three files, in the order of
 * `lockstep_open`.
 */
export async function lockstep(module, files) {
  const compiled = await WebAssembly.compile(module);
  const { exports } = await WebAssembly.instantiate(compiled, { lockstep: { now_ms: () => performance.now() } });
  const put = (bytes) => {
    const address = exports.lockstep_alloc(bytes.length);
    if (address === 0) throw new Error(`no memory for ${bytes.length} bytes`);
    new Uint8Array(exports.memory.buffer, address >>> 0, bytes.length).set(bytes);
    return [address, bytes.length];
  };
  const result = () =>
    decoder.decode(
      new Uint8Array(exports.memory.buffer, exports.lockstep_result_ptr() >>> 0, exports.lockstep_result_len() >>> 0),
    );
  if (exports.lockstep_open(...files.flatMap(put)) !== 0) throw new Error(result());
  return {
    prepare: (item) => encoder.encode(JSON.stringify({ inputs: item.texts })),
    call(body, item) {
      const status = exports.lockstep_handle(...put(POST), ...put(ENCODE), ...put(body));
      const answer = JSON.parse(result());
      if (status !== 200 || answer.tokens.some((n) => n !== item.n)) throw new Error(`${status}: ${result()}`);
      return { integers: answer.vectors };
    },
  };
}

/** onnxruntime-web with an ordinary ONNX file. The caller sets it to one thread. */
export async function ort(runtime, model) {
  const session = await runtime.InferenceSession.create(model, { executionProviders: ["wasm"] });
  return {
    prepare(item) {
      const shape = [item.batch, item.n];
      const tensor = (values) => new runtime.Tensor("int64", BigInt64Array.from(values), shape);
      const count = item.batch * item.n;
      return {
        input_ids: tensor(item.ids.flat().map(BigInt)),
        attention_mask: tensor(new Array(count).fill(1n)),
        token_type_ids: tensor(new Array(count).fill(0n)),
      };
    },
    async call(inputs, item) {
      const { last_hidden_state: hidden } = await session.run(inputs);
      return { hidden: hidden.data, width: hidden.dims[2], item };
    },
    finish: ({ hidden, width, item }) => ({ floats: means(hidden, width, item) }),
  };
}

/** The mean of each sequence's hidden states over its tokens. */
function means(hidden, width, { batch, n }) {
  return Array.from({ length: batch }, (_, sequence) => {
    const sums = new Float64Array(width);
    for (let i = 0; i < n * width; i++) sums[i % width] += hidden[sequence * n * width + i];
    return Array.from(sums, (sum) => sum / n);
  });
}

/**
 * Calls the engine with an item until `seconds` have passed, but at least three times, after one
 * call that is not counted. Resolves to the milliseconds of each call and the last result.
 */
export async function turn(engine, item, seconds) {
  const prepared = engine.prepare(item);
  let made = await engine.call(prepared, item);
  const ms = [];
  const begun = performance.now();
  while (performance.now() - begun < 1e3 * seconds || ms.length < 3) {
    const started = performance.now();
    made = await engine.call(prepared, item);
    ms.push(performance.now() - started);
  }
  return { ms, ...(engine.finish?.(made) ?? made) };
}
