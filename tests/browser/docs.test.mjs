// The daemon's own page: it shows every request of the description, and sends one.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { daemon, launch, place } from "./support.mjs";

let browser, host, tab;
const wrong = [];

before(async () => {
  const model = `${place("LOCKSTEP_TINY")}/model`;
  [browser, host] = await Promise.all([launch(), daemon(model, ["--backend", "native"])]);
  tab = await (await browser.newContext()).newPage();
  tab.setDefaultTimeout(60_000);
  tab.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  tab.on("pageerror", (error) => wrong.push(error.message));
  await tab.goto(`${host.url}/docs#post_v1_rank`);
  await tab.waitForSelector("details.operation");
});
after(async () => {
  await browser?.close();
  await host?.stop();
});

test("the page shows every request", async () => {
  const { paths } = await (await fetch(`${host.url}/openapi.json`)).json();
  const known = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const shown = await tab.$$eval("nav a", (links) => links.map((link) => link.textContent));
  assert.deepEqual(shown.sort(), known.sort());
  // The address names a request, which is open.
  assert.equal(await tab.$eval("#post_v1_rank", (part) => part.open), true);
});

test("the page sends a request and shows the answer", async () => {
  await tab.click("#post_v1_rank .send");
  const answer = tab.locator("#post_v1_rank .answer", { hasText: /^200 after/ });
  assert.match(await answer.textContent(), /"id": "a"/);
  await tab.fill("#post_v1_rank-body", '{"user": 1}');
  await tab.click("#post_v1_rank .send");
  const refusal = tab.locator("#post_v1_rank .answer", { hasText: /^422 after/ });
  assert.match(await refusal.textContent(), /user: expected an object/);
});

test("every field of a form has a label, and nothing is wrong", async () => {
  const bare = await tab.$$eval("input, textarea", (fields) => fields.filter((field) => field.labels.length === 0).map((field) => field.id));
  assert.deepEqual(bare, []);
  // The refusal above is an answer that the browser reports too.
  assert.deepEqual(wrong.filter((text) => !text.includes("422") && !text.includes("favicon")), []);
});
