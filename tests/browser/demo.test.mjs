// Tests of the demo, used as a person uses it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { daemon, launch, place, site } from "./support.mjs";

const folder = place("LOCKSTEP_MODEL");
let browser, server, host;
before(async () => {
  [browser, host] = await Promise.all([launch(), daemon(folder)]);
  server = await site(folder, host.url);
});
after(async () => {
  await browser?.close();
  await Promise.all([server?.close(), host?.stop()]);
});

/** Opens the demo and waits for its feed. */
async function open(options) {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  const errors = [];
  tab.on("pageerror", (error) => errors.push(error.message));
  await tab.goto(`${server.url}/`);
  await ready(tab);
  return { context, tab, errors };
}
const ready = (tab) => tab.waitForSelector('#feed[aria-busy="false"] .card', { timeout: 90_000 });
const titles = (tab) => tab.locator(".card .title").allTextContents();

test("the feed is ranked again on the device as articles are opened, by keyboard alone", async () => {
  const { context, tab, errors } = await open();
  const before = await titles(tab);
  assert.match(await tab.locator(".why").first().textContent(), /^because you (read|bought|asked) “.+”0\.\d\d$/);
  await tab.keyboard.press("Tab");
  assert.match(await tab.evaluate(() => document.activeElement.className), /skip/);
  const second = tab.locator(".card .title").nth(1);
  await second.focus();
  await tab.keyboard.press("Enter");
  await tab.waitForFunction((count) => document.querySelectorAll("#history li.new").length === count, 1);
  await tab.waitForFunction((old) => document.querySelectorAll(".card").length === old - 1, before.length);
  const after = await titles(tab);
  assert.ok(!after.includes(before[1]));
  assert.match(await tab.locator("#announce").textContent(), /Opened: .+ Feed ranked in \d+ ms/);
  assert.ok(await tab.evaluate(() => document.activeElement.matches(".card .title")), "the focus stays in the feed");
  await tab.locator("#history li.new .forget").click();
  await tab.waitForFunction((old) => document.querySelectorAll(".card").length === old, before.length);
  assert.deepEqual(await titles(tab), before);
  await tab.getByText("Samira", { exact: true }).click();
  await tab.waitForFunction((old) => document.querySelector(".card .title").textContent !== old, before[0]);
  assert.deepEqual(errors, []);
  await context.close();
});

test("the daemon gives the same numbers", async () => {
  const { context, tab, errors } = await open();
  await tab.getByText("Ask the daemon for the same feed").click();
  await tab.waitForSelector("#agreement.same", { timeout: 60_000 });
  const count = (await titles(tab)).length;
  assert.match(await tab.locator("#agreement").textContent(), new RegExp(`the same ${count} scores, to the last bit`));
  assert.deepEqual(errors, []);
  await context.close();
});

test("it opens offline, the network being cut off", async () => {
  const { context, tab } = await open();
  const before = await titles(tab);
  // The service worker caches the files that pass through it. It does not see those of the first
  // visit, so a third visit is the first one that works offline.
  await tab.evaluate(() => navigator.serviceWorker.ready);
  await tab.reload();
  await ready(tab);
  await context.setOffline(true);
  await tab.reload();
  await ready(tab);
  assert.deepEqual(await titles(tab), before);
  await context.close();
});

test("it fits a phone, and everything that can be used has a name", async () => {
  const { context, tab } = await open({ viewport: { width: 375, height: 740 }, colorScheme: "dark" });
  assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing is cut off");
  const unnamed = await tab.evaluate(() =>
    [...document.querySelectorAll("button, input, progress")]
      .filter((e) => !e.closest("[hidden]") && !e.ariaLabel && !e.textContent.trim() && !e.labels?.length)
      .map((e) => e.outerHTML),
  );
  assert.deepEqual(unnamed, []);
  await context.close();
});

test("the pack of the articles spares the model their texts, and the page works without it", async () => {
  const seen = {};
  for (const pack of [true, false]) {
    server.hook = (request, response, path) => {
      if (pack || path !== "/catalogue.lockpack") return false;
      response.writeHead(404).end();
      return true;
    };
    const { context, tab, errors } = await open();
    const [ran, tokens] = (await tab.locator("#ran").textContent()).replaceAll(",", "").split(" of ").map(Number);
    const scores = await tab.locator(".card .score").evaluateAll((all) => all.map((score) => score.title));
    seen[pack] = { ran, tokens, titles: await titles(tab), scores, model: await tab.locator("#model").textContent() };
    assert.deepEqual(errors, []);
    await context.close();
  }
  server.hook = () => false;
  const [with_, without] = [seen[true], seen[false]];
  assert.deepEqual([with_.titles, with_.scores], [without.titles, without.scores]);
  assert.ok(with_.ran === with_.tokens && 10 * with_.ran < without.ran, JSON.stringify([with_.ran, without.ran]));
  assert.match(with_.model, /vectors of 72 articles from a pack/);
  assert.doesNotMatch(without.model, /pack/);
});
