/**
 * The browser's cache, as far as there is one. A browser may refuse any of its methods: in private
 * windows, in frames of another site, with a full disk or a broken profile. A refusal costs a
 * download, never an answer.
 */
const CACHE = "lockstep";

export class Store {
  readonly #cache: Cache | undefined;

  private constructor(cache: Cache | undefined) {
    this.#cache = cache;
  }

  /** Browsers have caches in secure contexts only. Without `wanted`, nothing is kept. */
  static async open(wanted: boolean): Promise<Store> {
    try {
      return new Store(wanted ? await globalThis.caches?.open(CACHE) : undefined);
    } catch {
      return new Store(undefined);
    }
  }

  /** Whether files are kept at all. */
  get keeps(): boolean {
    return this.#cache !== undefined;
  }

  /** The bytes that are kept under a key. */
  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      const found = await this.#cache?.match(key);
      return found && new Uint8Array(await found.arrayBuffer());
    } catch {
      return undefined;
    }
  }

  /** Keeps bytes, and drops all that is kept under this address with another query. */
  async replace(address: string, key: string, bytes: Uint8Array): Promise<void> {
    try {
      const olds = (await this.#cache?.keys(address, { ignoreSearch: true })) ?? [];
      await Promise.all(olds.map((old) => this.#cache?.delete(old)));
    } catch {
      // The old file stays until the browser needs its room.
    }
    await this.put(key, bytes);
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#cache?.put(key, new Response(bytes as Uint8Array<ArrayBuffer>));
    } catch {
      // The next visit downloads the file again.
    }
  }

  async drop(key: string): Promise<void> {
    try {
      await this.#cache?.delete(key);
    } catch {
      // The entry is checked by its digest whenever it is read.
    }
  }
}
