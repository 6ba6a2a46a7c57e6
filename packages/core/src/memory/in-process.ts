import type { MemoryItem, MemoryScope, MemoryStore } from "./store.ts";
import { searched, wordsOf } from "./store.ts";

/** Memories of this process alone, for tests and scripts. */
export function memoryStore(): MemoryStore & AsyncDisposable {
  const owners = new Map<string, Map<string, MemoryItem>>();
  const keyOf = ({ tenant, memory, owner }: MemoryScope) => JSON.stringify([tenant, owner, memory]);
  const live = (scope: MemoryScope, now: number) =>
    [...(owners.get(keyOf(scope))?.values() ?? [])].filter(({ expiresAt }) => expiresAt > now);
  return {
    write: async (scope, item, itemsMax) => {
      const key = keyOf(scope);
      const items = owners.get(key) ?? new Map<string, MemoryItem>();
      const others = live(scope, item.at).filter(({ id }) => id !== item.id);
      if (others.length >= itemsMax) return false;
      items.delete(item.id);
      items.set(item.id, item);
      owners.set(key, items);
      return true;
    },
    find: async (scope, { text, most, now }) => {
      const items = live(scope, now).reverse();
      const wanted = text === undefined ? [] : searched(text);
      if (text === undefined) return items.sort((one, other) => other.at - one.at).slice(0, most);
      const scored = items.map((item) => {
        const words = new Set(wordsOf(item.text));
        return { item, score: wanted.filter((word) => words.has(word)).length };
      });
      return scored
        .filter(({ score }) => score > 0)
        .sort((one, other) => other.score - one.score || other.item.at - one.item.at)
        .slice(0, most)
        .map(({ item }) => item);
    },
    forget: async (scope, id) => owners.get(keyOf(scope))?.delete(id) ?? false,
    erase: async ({ tenant, owner, memory }) => {
      let erased = 0;
      for (const [key, items] of owners) {
        const [ofTenant, ofOwner, ofMemory] = JSON.parse(key) as [string, string, string];
        if (ofTenant !== tenant || ofOwner !== owner || (memory !== undefined && ofMemory !== memory)) continue;
        erased += items.size;
        owners.delete(key);
      }
      return erased;
    },
    sweep: async (now) => {
      let swept = 0;
      for (const items of owners.values()) {
        for (const { id, expiresAt } of [...items.values()]) {
          if (expiresAt > now) continue;
          items.delete(id);
          swept++;
        }
      }
      return swept;
    },
    close: async () => owners.clear(),
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}
