import { reasonOf } from "../errors.ts";
import { hashJson } from "../hash.ts";
import { isSensitive } from "../label/label.ts";
import { assertBound } from "../limits.ts";
import type { Clock } from "../port/clock.ts";
import type { Logger } from "../port/logger.ts";
import type { Model, ModelRequest, ModelResponse } from "../port/model.ts";

/**
 * Answers of models, kept for the next one who asks the same.
 *
 * K1 A key is made of the tenant, the model with its provider and settings, and all that the model is shown. No tenant sees
 *    what was answered to another, and no model gives what another one of its name has said.
 * K2 A request with a sensitive label is neither looked up nor kept.
 * K3 A cache helps or does nothing: what it throws, what it answers too late and what is no response is logged and is a
 *    miss.
 * K4 A refusal is not kept: asked again, a model may answer.
 */
export interface ModelCache {
  readonly get: (key: string) => CachedResponse | undefined | Promise<CachedResponse | undefined>;
  /** Keeps it for so long at most; an older answer under the key makes place. */
  readonly put: (key: string, response: CachedResponse, ttlMs: number) => void | Promise<void>;
}

/** What is kept of a response: JSON, without what it cost. */
export type CachedResponse = Pick<ModelResponse, "parts" | "model">;

export interface CacheOptions {
  readonly store: ModelCache;
  /** How long an answer is good for, in milliseconds. */
  readonly ttlMs: number;
  /** Ids of models whose answers are kept; the others are always asked. */
  readonly models: readonly string[];
  /** Milliseconds that the store may take to look one up; 1,000 when absent. */
  readonly waitMs?: number;
}

/** The cache as the gateway uses it. Never throws and never rejects (K3). */
export interface ResponseCache {
  /** What was kept; nothing for a request that the cache is not for. Not yet known to be a response. */
  readonly find: (model: Model, request: ModelRequest) => Promise<unknown> | undefined;
  readonly keep: (model: Model, request: ModelRequest, response: ModelResponse) => void;
  /** Says that what was found is none. */
  readonly spoilt: (model: Model, thrown: unknown) => void;
}

/** @throws OrchestrationError `limits/not-a-bound` */
export function responseCache(
  { store, ttlMs, models, waitMs = 1_000 }: CacheOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): ResponseCache {
  assertBound("cache.ttlMs", ttlMs);
  assertBound("cache.waitMs", waitMs);
  const isFor = ({ id }: Model, { labels }: ModelRequest) => models.includes(id) && !labels.some(isSensitive);
  const warn = ({ id: model }: Model, thrown: unknown, sentence: string) => {
    logger.warn({ model, reason: reasonOf(thrown) }, sentence);
  };
  const unread = "the cache of model answers could not be read; the model is asked";
  const unkept = "the cache of model answers could not keep one";
  return {
    find: (model, request) => {
      if (!isFor(model, request)) return undefined;
      let timer: { readonly cancel: () => void } | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = clock.at(clock.now() + waitMs, () => reject(new Error(`no answer within ${waitMs} ms`)));
      });
      const found = (async () => store.get(cacheKey(model, request)))();
      return Promise.race([found, late])
        .catch((thrown: unknown) => warn(model, thrown, unread))
        .finally(() => timer?.cancel());
    },
    keep: (model, request, { parts, model: name }) => {
      if (!isFor(model, request) || parts.some(({ type }) => type === "refusal")) return;
      const kept = { parts, ...(name === undefined ? {} : { model: name }) };
      (async () => store.put(cacheKey(model, request), kept, ttlMs))().catch((thrown: unknown) =>
        warn(model, thrown, unkept),
      );
    },
    spoilt: (model, thrown) => warn(model, thrown, unread),
  };
}

/** The same for the same question of the same tenant to the same model, in whatever run and turn it is asked (K1). */
export function cacheKey(
  { id, provider, settings }: Pick<Model, "id" | "provider" | "settings">,
  { context, ...shown }: ModelRequest,
): string {
  return hashJson({ model: id, provider, settings, tenant: context.tenant, attributes: context.attributes, shown });
}

export interface MemoryModelCacheOptions {
  readonly clock: Clock;
  /** Answers that are held; 1,000 when absent. */
  readonly entriesMax?: number;
  /** Bytes of their JSON and keys together; 16 MiB when absent. One that is bigger than that is not kept. */
  readonly bytesMax?: number;
}

/**
 * Answers held in this process. The one that was used longest ago makes place. Kept as text, so that nobody changes what
 * another one will get.
 *
 * Hand-made, because a Map in the order of use is all of it; `lru-cache` is 2 MB in every install of the kernel, and time
 * comes from a port here. It does well behind a {@link ModelCache} of one's own.
 * @throws OrchestrationError `limits/not-a-bound`
 */
export function memoryModelCache(options: MemoryModelCacheOptions): ModelCache {
  const { clock, entriesMax = 1_000, bytesMax = 16 * 1024 * 1024 } = options;
  assertBound("entriesMax of the cache", entriesMax);
  assertBound("bytesMax of the cache", bytesMax);
  interface Kept {
    readonly text: string;
    readonly bytes: number;
    readonly endsAt: number;
  }
  /** In the order of use. */
  const entries = new Map<string, Kept>();
  let bytes = 0;
  const drop = (key: string) => {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (!entry) return undefined;
      if (entry.endsAt <= clock.now()) {
        drop(key);
        return undefined;
      }
      entries.delete(key);
      entries.set(key, entry);
      return JSON.parse(entry.text) as CachedResponse;
    },
    put: (key, response, ttlMs) => {
      drop(key);
      const text = JSON.stringify(response);
      const entry = { text, bytes: Buffer.byteLength(text) + Buffer.byteLength(key), endsAt: clock.now() + ttlMs };
      if (entry.bytes > bytesMax) return;
      entries.set(key, entry);
      bytes += entry.bytes;
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax && bytes <= bytesMax) return;
        drop(oldest);
      }
    },
  };
}
