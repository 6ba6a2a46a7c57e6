import { rpcCodes, ServedError } from "./wire/serving.ts";

/**
 * Who listens for changes of which addresses. Whoever tells of changes hears of an address each time that somebody begins to
 * listen, and once when nobody does any more. One client's appetite is no other client's loss: each has a bound of its own.
 */
export interface Watches {
  /** @throws ServedError where one more would be too many for this client; nothing is watched then */
  readonly watch: (client: string, uris: readonly string[]) => Promise<void>;
  /** Takes one {@link watch} of each address back. */
  readonly unwatch: (client: string, uris: readonly string[]) => void;
}

export interface WatchesOptions {
  readonly begins: (uri: string) => Promise<void>;
  readonly ends: (uri: string) => void;
  /** Addresses of one client at once; 1,000 when absent. */
  readonly perClient?: number;
}

export function createWatches({ begins, ends, perClient = 1_000 }: WatchesOptions): Watches {
  const clients = new Map<string, Map<string, number>>();
  /** How many clients listen for an address. */
  const listeners = new Map<string, number>();

  const take = (client: string, uris: readonly string[]): void => {
    const own = clients.get(client) ?? new Map<string, number>();
    const more = new Set(uris.filter((uri) => !own.has(uri)));
    if (own.size + more.size > perClient) throw new ServedError(rpcCodes.internal, "Too many resources are watched");
    if (uris.length > 0) clients.set(client, own);
    for (const uri of uris) {
      const count = own.get(uri) ?? 0;
      own.set(uri, count + 1);
      if (count === 0) listeners.set(uri, (listeners.get(uri) ?? 0) + 1);
    }
  };
  const giveBack = (client: string, uris: readonly string[]): void => {
    const own = clients.get(client);
    for (const uri of uris) {
      const count = own?.get(uri);
      if (!own || count === undefined) continue;
      if (count > 1) {
        own.set(uri, count - 1);
        continue;
      }
      own.delete(uri);
      if (own.size === 0) clients.delete(client);
      const others = (listeners.get(uri) ?? 1) - 1;
      if (others > 0) {
        listeners.set(uri, others);
        continue;
      }
      listeners.delete(uri);
      ends(uri);
    }
  };
  return {
    watch: async (client, uris) => {
      const each = [...new Set(uris)];
      take(client, each); // Before anything is waited for.
      try {
        await Promise.all(each.map(begins));
      } catch (thrown) {
        giveBack(client, each);
        throw thrown;
      }
    },
    unwatch: (client, uris) => giveBack(client, [...new Set(uris)]),
  };
}
