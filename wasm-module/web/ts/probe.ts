/** Tests which WebAssembly instructions the browser can run. */

const HEAD = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0];
const ZERO = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];

/** A module with one function: an instruction on vectors of zeros. */
function module(operands: number, instruction: number[]): Uint8Array<ArrayBuffer> {
  const body = [0, ...new Array(operands).fill(ZERO).flat(), ...instruction, 0x0b];
  return new Uint8Array([...HEAD, 10, body.length + 2, 1, body.length, ...body]);
}

/** Whether the browser has SIMD, which both builds need. */
export const simd = (): boolean => "WebAssembly" in globalThis && WebAssembly.validate(module(1, []));

/** Whether it has `i16x8.relaxed_dot_i8x16_i7x16_s`, by which the relaxed build multiplies. */
export const relaxedSimd = (): boolean => WebAssembly.validate(module(2, [0xfd, 0x92, 0x02]));
