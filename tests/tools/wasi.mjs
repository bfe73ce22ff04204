#!/usr/bin/env -S node --no-warnings
// Runs a WASI program: `wasi.mjs program.wasm [arguments]`. Cargo's runner for tests of wasm32-wasip1.
import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { WASI } from 'node:wasi';

// Before version 11.4 of V8 relaxed SIMD is an experiment; later ones do not know the flag.
if (parseFloat(process.versions.v8) < 11.4) setFlagsFromString('--experimental-wasm-relaxed-simd');

const [program, ...rest] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...rest], env: process.env });
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
