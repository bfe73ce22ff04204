#!/usr/bin/env -S node --no-warnings
// Runs a WASI program: `wasi.mjs program.wasm [arguments]`. Cargo runs the tests of wasm32-wasip1
// with it.
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { WASI } from 'node:wasi';

// Before version 11.4 of V8 relaxed SIMD needs this flag; later versions do not know the flag.
if (parseFloat(process.versions.v8) < 11.4) setFlagsFromString('--experimental-wasm-relaxed-simd');

const [program, ...rest] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...rest], env: process.env });
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
