// The 50 requests: the people and the catalogue of the demo, every option, hostile texts.
import { readFileSync } from "node:fs";
import { texts } from "../browser/texts.mjs";

const demo = (name) => JSON.parse(readFileSync(new URL(`../../wasm-module/web/demo/${name}.json`, import.meta.url)));
const { people } = demo("people");
const articles = demo("catalogue").items.map(({ id, title, text }) => ({ id, text: `${title}. ${text}` }));
const slice = (list, start, count) => Array.from({ length: count }, (_, at) => list[(start + at) % list.length]);

const feeds = Array.from({ length: 20 }, (_, at) => ({
  kind: "rank",
  history: people[at % people.length].history,
  candidates: slice(articles, at * 11, 6 + (at % 7)),
  topN: at % 3 ? undefined : 1 + (at % 5),
  diversity: (at % 4) / 4,
  explain: at % 2 === 0,
}));
// Hostile texts, as histories and as candidates.
const strange = Array.from({ length: 10 }, (_, at) => ({
  kind: "rank",
  history: slice(texts, at * 17, 3).map((text, place) => ({ text, weight: 1 / (1 + place + at) })),
  candidates: slice(texts, at * 5, 8).map((text, place) => ({ id: `${at}/${place}`, text })),
  topN: undefined,
  diversity: at / 9,
  explain: true,
}));
const reranked = Array.from({ length: 10 }, (_, at) => ({
  kind: "rerank",
  query: people[at % people.length].history[at % 3].text,
  texts: slice(at < 5 ? articles.map(({ text }) => text) : texts, at * 7, 9),
}));
const embedded = Array.from({ length: 10 }, (_, at) => ({ kind: "embed", texts: slice(texts, at * 20, 6) }));

export const requests = [...feeds, ...strange, ...reranked, ...embedded];

/** The path and the body of a request to a server. */
export function http(request) {
  const { kind, history, candidates, topN, diversity, explain, query, texts } = request;
  if (kind === "rank") return ["/v1/rank", { user: { history }, candidates, top_n: topN, diversity, explain }];
  return kind === "rerank" ? ["/rerank", { query, texts }] : ["/embed", { inputs: texts }];
}

/** Every text in a request. */
export function textsOf({ history = [], candidates = [], query, texts = [] }) {
  return [...history, ...candidates].map(({ text }) => text).concat(query ?? [], texts);
}
