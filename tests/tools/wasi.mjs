#!/usr/bin/env -S node --no-warnings --experimental-wasm-relaxed-simd
// Runs a WASI program: `wasi.mjs program.wasm [arguments]`. Cargo's runner for tests of wasm32-wasip1.
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const [program, ...rest] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...rest], env: process.env });
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
