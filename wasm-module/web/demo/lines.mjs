#!/usr/bin/env node
// Prints the articles of the built demo as lines for `edge-host pack`: lines.mjs target/web/demo
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2] ?? ".");
const { textOf } = await import(pathToFileURL(join(folder, "text.js")).href);
const { items } = JSON.parse(readFileSync(join(folder, "catalogue.json"), "utf8"));
for (const item of items) console.log(JSON.stringify({ id: item.id, text: textOf(item) }));
