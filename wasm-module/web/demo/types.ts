/** The data that the demo shows: `catalogue.json`, `people.json`, and the reader's history. */

export interface Item {
  id: string;
  kind: string;
  title: string;
  text: string;
}

export interface Entry {
  text: string;
  weight: number;
  /** The article, if the reader opened one on this page. */
  item?: Item;
}

export interface Person {
  name: string;
  about: string;
  history: Entry[];
}
