/** Draws the page. Keeps no state. */
import type { Ranked } from "lockstep-web";
import type { Entry, Item, Person } from "./types.js";

/** The element of `index.html` with this id. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Shows one radio button for each person. */
export function showPeople(people: Person[], choose: (person: Person) => void): void {
  const radios = people.map((person, at) => {
    const input = make("input", "");
    input.type = "radio";
    input.name = "person";
    input.checked = at === 0;
    input.onchange = (): void => choose(person);
    return make("label", "person", input, make("span", "", person.name));
  });
  element("people").replaceChildren(...radios);
}

const VERBS: Record<string, string> = { "Bought: ": "bought", "Asked: ": "asked" };

/** Splits an entry such as `Bought: a lamp` into the verb and the rest. */
function parts(entry: Entry): [string, string] {
  if (entry.item) return ["read", entry.item.title];
  const prefix = Object.keys(VERBS).find((prefix) => entry.text.startsWith(prefix));
  return prefix ? [VERBS[prefix] ?? "read", entry.text.slice(prefix.length)] : ["read", entry.text];
}

/** Shows the history, with a button for each entry that forgets it. */
export function showHistory(person: Person, history: Entry[], forget: (entry: Entry) => void): void {
  element("about").textContent = `${person.name}: ${person.about}`;
  const rows = history.map((entry) => {
    const [verb, what] = parts(entry);
    const button = make("button", "forget", "×");
    button.type = "button";
    button.setAttribute("aria-label", `Forget: ${what}`);
    button.disabled = history.length === 1;
    button.onclick = (): void => {
      forget(entry);
      element("history").querySelector<HTMLElement>("button:not(:disabled)")?.focus();
    };
    const row = make("li", entry.item ? "new" : "", make("span", "verb", verb), make("span", "what", what), button);
    return row;
  });
  element("history").replaceChildren(...rows);
}

/** Shows the feed in its new order. Cards keep their elements, so they move and keep focus. */
export async function showFeed(
  feed: HTMLElement,
  ranked: Ranked[],
  offered: Item[],
  history: Entry[],
  read: (item: Item) => void,
): Promise<void> {
  const old = new Map([...feed.children].map((card) => [(card as HTMLElement).dataset["id"], card as HTMLElement]));
  const tops = new Map([...old].map(([id, card]) => [id, card.getBoundingClientRect().top]));
  const focused = document.activeElement instanceof HTMLElement && feed.contains(document.activeElement);
  const best = ranked.reduce((most, { score }) => Math.max(most, score), 0);
  const cards = ranked.flatMap((line, place) => {
    const item = offered[line.index];
    if (!item) return [];
    const card = old.get(item.id) ?? make("li", "card");
    fill(card, line, place, item, history, best, () => read(item));
    return [card];
  });
  feed.replaceChildren(...cards);
  if (focused && !feed.contains(document.activeElement)) feed.querySelector<HTMLElement>("button")?.focus();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const card of cards) {
    const before = tops.get(card.dataset["id"]);
    const moved = before === undefined ? 0 : before - card.getBoundingClientRect().top;
    const visible = Math.abs(moved) < 2 * innerHeight;
    if (before === undefined) card.animate([{ opacity: 0 }, { opacity: 1 }], 250);
    else if (moved && visible) {
      const from = { transform: `translateY(${moved}px)` };
      card.animate([from, { transform: "none" }], { duration: 350, easing: "cubic-bezier(.2,.8,.2,1)" });
    }
  }
}

function fill(
  card: HTMLElement,
  line: Ranked,
  place: number,
  item: Item,
  history: Entry[],
  best: number,
  open: () => void,
): void {
  card.dataset["id"] = item.id;
  const reason = line.because?.[0];
  const entry = reason && history[reason.history];
  const button = make("button", "title", item.title);
  button.type = "button";
  button.onclick = open;
  const meter = make("span", "meter");
  meter.style.setProperty("--share", String(best > 0 ? Math.max(0, line.score / best) : 0));
  meter.setAttribute("aria-hidden", "true");
  const score = make("span", "score", line.score.toFixed(3), meter);
  score.title = `score ${line.score}`;
  const head = make("div", "head", make("span", `kind ${item.kind}`, item.kind), score);
  const body = make("div", "body", head, make("h3", "", button), make("p", "text", item.text));
  if (reason && entry) {
    const [verb, what] = parts(entry);
    const why = make("p", "why", `because you ${verb} “${what}”`, make("b", "", reason.similarity.toFixed(2)));
    body.append(why);
  }
  card.replaceChildren(make("span", "place", String(place + 1)), body);
}
