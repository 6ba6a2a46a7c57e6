import type { Json } from "../json.ts";

/**
 * Where memories are kept. A port: `memoryStore` keeps them in the process, `sqliteMemory` in a file.
 *
 * Y1 Whose a memory is, is part of every key: tenant, memory and owner. There is no way to ask without.
 * Y2 The same write twice is one.
 * Y3 What has run out is not found, and goes at the next sweep.
 */
export interface MemoryStore {
  /** Keeps an item; one with the same id is replaced. Resolves when it is durable, with `false` when there is no room. */
  readonly write: (scope: MemoryScope, item: MemoryItem, itemsMax: number) => Promise<boolean>;
  /** Items that have not run out: with a text those that share words with it, best first; else the newest first. */
  readonly find: (scope: MemoryScope, query: MemoryQuery) => Promise<readonly MemoryItem[]>;
  /** Takes an item away; `false` when there is none. */
  readonly forget: (scope: MemoryScope, id: string) => Promise<boolean>;
  /** Takes away all that one owner has, in one memory or in all of the tenant's; the number of items. */
  readonly erase: (scope: Pick<MemoryScope, "tenant" | "owner"> & { readonly memory?: string }) => Promise<number>;
  /** Takes away what has run out by then (epoch ms); the number of items. */
  readonly sweep: (now: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Whose a memory is. */
export interface MemoryScope {
  readonly tenant: string;
  /** Name of the memory. */
  readonly memory: string;
  /** `principal:u_17`, `conversation:c_3`, `tenant`. */
  readonly owner: string;
}

export interface MemoryItem {
  readonly id: string;
  readonly value: Json;
  /** Of what it was made of: they come back with it. */
  readonly labels: readonly string[];
  /** The words that it is found by. */
  readonly text: string;
  /** Epoch ms. */
  readonly at: number;
  readonly expiresAt: number;
  /** Who wrote it: run and path of the call. */
  readonly run: string;
  readonly path: string;
}

export interface MemoryQuery {
  readonly text?: string;
  readonly most: number;
  /** Epoch ms. */
  readonly now: number;
}

const wordsMax = 32;

/** The words of a text as searches know them: lower case, without marks. */
export function wordsOf(text: string, most = Number.POSITIVE_INFINITY): string[] {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return [...new Set(plain.match(/[\p{L}\p{N}]+/gu) ?? [])].slice(0, most);
}

/** The words that a search looks for. */
export function searched(text: string): string[] {
  return wordsOf(text, wordsMax);
}
