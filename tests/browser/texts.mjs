// 200 texts, hostile ones and prose of growing length, and the integers of the native engine for
// them.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { place } from "./support.mjs";

const HOSTILE = [
  "a",
  "\0nul\0inside",
  "tab\tnew\nline\r\n",
  "e\u0301\u0301\u0301 combining",
  "İstanbul ﬁ ǅ ß ẞ",
  "中文和日本語とかな",
  "\u202eright to left\u202c",
  "👩‍👩‍👧‍👦🏳️‍🌈",
  "[SEP] [CLS] [MASK] [PAD] [UNK]",
  "##ing ## ##",
  "a\ufffdb",
  "zero\u200bwidth\ufeff",
  "'; DROP TABLE items; --",
  "<script>alert(1)</script>",
  "مرحبا بالعالم",
  "한국어 텍스트",
  "𝕳𝖊𝖑𝖑𝖔",
  "½ ⅓ ① Ⅷ ㎏",
  "...!!!???---",
  "한\u1100\u1161",
  "\ue000private use\u{10ffff}x",
  "0x00 1e999 NaN -0",
  "",
  " \t\n\u00a0",
  "\0\u200b\ufeff\ufffd",
  "half \ud83d of a pair, \ude00 the other",
  "x".repeat(5000),
  "word ".repeat(3000),
];
const COUNT = 200;
const WORDS = 120;

function graded(count) {
  const { items } = JSON.parse(readFileSync(new URL("../../wasm-module/web/demo/catalogue.json", import.meta.url)));
  const stream = items.flatMap(({ title, text }) => `${title} ${text}`.split(/\s+/));
  return Array.from({ length: count }, (_, at) => {
    const length = 1 + Math.floor(((at + 1) / count) ** 3 * WORDS);
    return Array.from({ length }, (_, word) => stream[(at * 101 + word) % stream.length]).join(" ");
  });
}

export const texts = [...HOSTILE, ...graded(COUNT - HOSTILE.length)];

/** The integers of the native engine: one list for each text. */
export function native(model) {
  const input = texts.map((text) => `${JSON.stringify(text)}\n`).join("");
  const output = execFileSync(place("LOCKSTEP_EMBED"), [model], { input, maxBuffer: 64 << 20, timeout: 120_000 });
  return String(output).trim().split("\n").map((line) => JSON.parse(line));
}
