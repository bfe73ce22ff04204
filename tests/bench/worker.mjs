// The worker of the page. It loads an engine when it is first asked for a turn of that engine.
import { lockstep, ort, turn } from "./engines.mjs";

const bytes = async (path) => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

async function load(engine, { modules, model, onnx }) {
  if (modules[engine]) {
    return lockstep(await bytes(modules[engine]), await Promise.all(model.map(bytes)));
  }
  const runtime = await import("/ort/ort.wasm.min.mjs");
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmPaths = "/ort/";
  return ort(runtime, await bytes(onnx[engine]));
}

const loaded = new Map();
onmessage = async ({ data: { engine, item, seconds, files } }) => {
  try {
    if (!loaded.has(engine)) loaded.set(engine, await load(engine, files));
    postMessage(await turn(loaded.get(engine), item, seconds));
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
