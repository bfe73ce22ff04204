// What the demo takes for its first ranking after opening, with and without the pack of its
// articles: the page's own times, each in a new profile. `make web-load`, ROUNDS=n for more rounds.
import { launch, place, site } from "./support.mjs";

const rounds = Number(process.env.ROUNDS || 7);
const browser = await launch();
const server = await site(place("LOCKSTEP_MODEL"), undefined);

/** Opens the demo; resolves to the milliseconds of its first ranking and the tokens that it ran. */
async function open() {
  const context = await browser.newContext();
  const tab = await context.newPage();
  await tab.goto(`${server.url}/`);
  await tab.waitForSelector('#feed[aria-busy="false"] .card', { timeout: 90_000 });
  const ms = parseFloat(await tab.locator("#took").textContent());
  const tokens = await tab.locator("#ran").textContent();
  await context.close();
  return { ms, tokens };
}

for (const pack of [true, false]) {
  server.hook = (request, response, path) => {
    if (pack || path !== "/catalogue.lockpack") return false;
    response.writeHead(404).end();
    return true;
  };
  const seen = [];
  for (let round = 0; round < rounds; round++) seen.push(await open());
  const times = seen.map(({ ms }) => ms).sort((a, b) => a - b);
  const [median, least, most] = [times[rounds >> 1], times[0], times[rounds - 1]];
  console.log(`${pack ? "with" : "without"} the pack: ${median} ms (${least} to ${most}), ${seen[0].tokens} tokens`);
}
await browser.close();
await server.close();
