/** The demo: a feed. Each article that the reader opens ranks the feed again. */
import { load, type Lockstep, type Progress, type RankResult } from "lockstep-web";
import { textOf } from "./text.js";
import type { Entry, Item, Person } from "./types.js";
import { element, showFeed, showHistory, showPeople } from "./view.js";

const json = async <T>(path: string): Promise<T> => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return (await response.json()) as T;
};

let model: Lockstep | undefined;
let items: Item[] = [];
let people: Person[] = [];
let person: Person | undefined;
let history: Entry[] = [];
let daemonUrl: string | null = null;
let ranking: AbortController | undefined;

async function start(): Promise<void> {
  const [catalogue, cast, daemon] = await Promise.all([
    json<{ items: Item[] }>("catalogue.json"),
    json<{ people: Person[] }>("people.json"),
    json<{ url: string | null }>("daemon.json").catch(() => ({ url: null })),
  ]);
  items = catalogue.items;
  people = cast.people;
  daemonUrl = daemon.url && new URL(daemon.url, document.baseURI).href;
  element<HTMLInputElement>("daemon").disabled = daemonUrl === null;
  showPeople(people, (chosen) => void become(chosen));
  become(people[0]);
  element("retry").onclick = (): void => void open();
  element<HTMLInputElement>("diversity").oninput = (): void => void rank();
  element("daemon").onchange = (): void => void rank();
  await open();
}

async function open(): Promise<void> {
  const [text, bar, retry] = [element("loading-text"), element<HTMLProgressElement>("loading-bar"), element("retry")];
  element("loading").hidden = retry.hidden = false;
  retry.hidden = true;
  bar.hidden = false;
  text.textContent = "Loading the model…";
  const pack = download("catalogue.lockpack");
  try {
    model = await load({ model: "model/", onProgress: (progress) => showProgress(text, bar, progress) });
    const known = await usePack(model, await pack);
    element("loading").hidden = true;
    element("model").textContent = `${model.info.model_id}, digest ${model.info.model_digest.slice(0, 12)}${known}`;
    await rank();
  } catch (error) {
    text.textContent = `The model could not be loaded. ${(error as Error).message}`;
    bar.hidden = true;
    retry.hidden = false;
  }
}

/** The bytes at an address; nothing if there are none. */
async function download(path: string): Promise<ArrayBuffer | undefined> {
  try {
    const response = await fetch(path);
    return response.ok ? await response.arrayBuffer() : undefined;
  } catch {
    return undefined;
  }
}

/** Loads the vectors of the articles. Without a pack that fits, the model reads the articles. */
async function usePack(model: Lockstep, pack: ArrayBuffer | undefined): Promise<string> {
  if (!pack) return "";
  try {
    return `, vectors of ${(await model.loadPack(pack)).items} articles from a pack`;
  } catch (error) {
    return `, and a pack that is not used: ${(error as Error).message}`;
  }
}

function showProgress(text: HTMLElement, bar: HTMLProgressElement, { phase, file, loaded, total }: Progress): void {
  const size = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const doing = { download: "Downloading", cache: "Kept from your last visit:", open: "Opening" }[phase];
  const amount = phase === "open" ? "" : ` ${size(loaded)}${total ? ` of ${size(total)}` : ""}`;
  text.textContent = `${doing} the ${file.startsWith("model") ? "model" : "tokenizer"}${amount}`;
  if (phase !== "open" && total) bar.value = loaded / total;
  else bar.removeAttribute("value");
}

function become(chosen: Person | undefined): void {
  if (!chosen) return;
  person = chosen;
  history = [...chosen.history];
  void rank();
}

function read(item: Item): void {
  history = [{ text: textOf(item), weight: 1, item }, ...history];
  void rank(`Opened: ${item.title}.`);
}

function forget(entry: Entry): void {
  history = history.filter((other) => other !== entry);
  void rank("Forgotten.");
}

/** Ranks the articles that are not opened yet. Aborts a ranking that is still running. */
async function rank(before = ""): Promise<void> {
  if (person) showHistory(person, history, forget);
  ranking?.abort();
  if (!model || history.length === 0) return;
  const abort = (ranking = new AbortController());
  const opened = new Set(history.map((entry) => entry.item?.id));
  const offered = items.filter((item) => !opened.has(item.id));
  const slider = element<HTMLInputElement>("diversity");
  slider.setAttribute("aria-valuetext", slider.value === "0" ? "none" : `${Number(slider.value) * 100} percent`);
  const request = {
    history: history.map(({ text, weight }) => ({ text, weight })),
    candidates: offered.map((item) => ({ id: item.id, text: textOf(item) })),
    diversity: Number(slider.value),
    explain: true,
    signal: abort.signal,
  };
  const feed = element("feed");
  feed.setAttribute("aria-busy", "true");
  try {
    const result = await model.rank({
      ...request,
      onProgress: ({ done, total }) => (element("took").textContent = `${Math.round((100 * done) / total)} %`),
    });
    showNumbers(result);
    await showFeed(feed, result.items, offered, history, read);
    feed.setAttribute("aria-busy", "false");
    const first = offered[result.items[0]?.index ?? -1]?.title ?? "nothing";
    element("announce").textContent = `${before} Feed ranked in ${result.tookMs.toFixed(0)} ms. First: ${first}`;
    await compare(result, request);
  } catch (error) {
    if (abort.signal.aborted) return;
    feed.setAttribute("aria-busy", "false");
    element("announce").textContent = element("agreement").textContent = (error as Error).message;
  }
}

function showNumbers(result: RankResult): void {
  const per = (result.tookMs / result.items.length) * 1000;
  element("took").textContent = `${result.tookMs.toFixed(1)} ms`;
  element("summary").textContent = `${result.items.length} articles ranked on this device in ${result.tookMs.toFixed(1)} ms`;
  element("each").textContent = per < 1000 ? `${per.toFixed(0)} µs` : `${(per / 1000).toFixed(2)} ms`;
  element("ran").textContent = `${result.ran.toLocaleString("en")} of ${result.tokens.toLocaleString("en")}`;
  element("backend").textContent = result.backend;
}

/** Sends the same request to the daemon, and compares its scores with ours to the last bit. */
async function compare(ours: RankResult, request: Parameters<Lockstep["rank"]>[0]): Promise<void> {
  const [asked, says] = [element<HTMLInputElement>("daemon"), element("agreement")];
  says.className = "agreement";
  if (daemonUrl === null) {
    says.textContent = "No daemon runs beside this page; start it with “make web”.";
    return;
  }
  if (!asked.checked || !model) {
    says.textContent = "";
    return;
  }
  says.textContent = "Asking the daemon…";
  const theirs = await daemon(daemonUrl, request);
  if (typeof theirs === "string") {
    says.textContent = `The daemon is away, the device goes on alone. ${theirs}`;
    return;
  }
  const same = ours.items.filter((item, place) => {
    const other = theirs.items[place];
    return other?.id === item.id && Object.is(other.score, item.score);
  }).length;
  const all = same === ours.items.length && same === theirs.items.length;
  says.classList.add(all ? "same" : "differs");
  says.textContent = all
    ? `The daemon (${theirs.backend}) gives the same ${same} scores, to the last bit, in ${theirs.tookMs.toFixed(0)} ms.`
    : `Only ${same} of ${ours.items.length} scores are the daemon’s.`;
}

async function daemon(url: string, request: Parameters<Lockstep["rank"]>[0]): Promise<(RankResult | string)> {
  if (!model) return "no model is open";
  // The device knows the vectors, so no token is left to run; `minTokens: 0` sends it anyway.
  const offload = { url, minTokens: 0, deadlineMs: 10_000, pauseMs: 1 };
  const result = await model.rank({ ...request, offload });
  return result.scoredBy === "daemon" ? result : (result.fellBack ?? "It was not asked.");
}

if ("serviceWorker" in navigator) void navigator.serviceWorker.register("sw.js").catch(() => undefined);
void start().catch((error: unknown) => {
  element("loading-text").textContent = `The demo could not start. ${(error as Error).message}`;
});
