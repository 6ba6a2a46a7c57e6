/** Things that wait for their turn: first come, first served within a tenant, and the tenants take turns. */
export interface Turns<Item> {
  readonly size: number;
  readonly find: (name: string) => Item | undefined;
  /** The name must not be waiting already. */
  readonly add: (tenant: string, name: string, item: Item) => void;
  readonly next: () => Item | undefined;
  /** Takes one out before its turn. */
  readonly take: (name: string) => Item | undefined;
  /** Takes out everything, in no order that means anything. */
  readonly clear: () => Item[];
}

interface Lane<Item> {
  readonly tenant: string;
  readonly queue: Queue<{ readonly name: string; readonly item: Item }>;
}

export function turns<Item>(): Turns<Item> {
  const waiting = new Map<string, Item>();
  const lanes = new Map<string, Lane<Item>>();
  let round = new Queue<Lane<Item>>();
  return {
    get size() {
      return waiting.size;
    },
    find: (name) => waiting.get(name),
    add: (tenant, name, item) => {
      waiting.set(name, item);
      let lane = lanes.get(tenant);
      if (!lane) {
        lane = { tenant, queue: new Queue() };
        lanes.set(tenant, lane);
        round.push(lane);
      }
      lane.queue.push({ name, item });
    },
    next: () => {
      for (let lane = round.shift(); lane; lane = round.shift()) {
        let first = lane.queue.shift();
        // What was taken out left its place behind, which is no turn of its tenant.
        while (first && waiting.get(first.name) !== first.item) first = lane.queue.shift();
        if (lane.queue.size > 0) round.push(lane);
        else lanes.delete(lane.tenant);
        if (!first) continue;
        waiting.delete(first.name);
        return first.item;
      }
      return undefined;
    },
    take: (name) => {
      const item = waiting.get(name);
      waiting.delete(name);
      return item;
    },
    clear: () => {
      const items = [...waiting.values()];
      waiting.clear();
      lanes.clear();
      round = new Queue();
      return items;
    },
  };
}

/** First in, first out; an array's own `shift` moves all that is behind it. */
class Queue<Item> {
  #items: (Item | undefined)[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first];
    if (this.size === 0) return undefined;
    this.#items[this.#first++] = undefined;
    if (this.#first > 64 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}
