/** What the model reads of an article. */
import type { Item } from "./types.js";

/** `title. text`, or `title text` if the title ends with a mark of its own. */
export const textOf = ({ title, text }: Item): string =>
  /[.?!]$/.test(title) ? `${title} ${text}` : `${title}. ${text}`;
