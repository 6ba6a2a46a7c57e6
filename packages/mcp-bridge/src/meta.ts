import type { ToolContext } from "@remit/core";

/** What travels in `_meta` of a call beside its arguments, under names of ours. */

const prefix = "remit/";
export const keyMeta = `${prefix}idempotencyKey`;
/** Set on results: the run that did the call. */
export const runMeta = `${prefix}runId`;
/** What a client answers to a question of a run, where it cannot be asked. */
export const answerMeta = `${prefix}answer`;
/** Set on an error result when nobody knows whether the work was done. */
export const outcomeMeta = `${prefix}outcome`;
export const unknownOutcome = "unknown";

/** Members of a context that go out under their own names; an attribute of such a name goes out neither beside nor for them. */
const carried = ["idempotencyKey", "runId", "path", "agent", "tenant"] as const;
const carriedAs = carried.map((name) => [name, prefix + name] as const);

/** `_meta` of a call: the members of the context, and every other attribute under `remit/<name>`. Empty texts are left out. */
export function metaOf(context: ToolContext): { readonly [name: string]: string } {
  const meta: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(context.attributes)) {
    if (value !== "" && !(carried as readonly string[]).includes(name)) meta[prefix + name] = value;
  }
  for (const [name, as] of carriedAs) if (context[name] !== "") meta[as] = context[name];
  return meta;
}

/** What a caller said about a call, read back. Only text counts, and of any length up to 1,000 characters. */
export interface CallMeta {
  readonly idempotencyKey: string;
  readonly runId: string;
  readonly path: string;
  readonly agent: string;
  readonly tenant: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export function readMeta(meta: Readonly<Record<string, unknown>> = {}): CallMeta {
  const texts = Object.entries(meta).flatMap(([name, value]) =>
    name.startsWith(prefix) && typeof value === "string" && value.length <= 1_000
      ? [[name.slice(prefix.length), value] as const]
      : [],
  );
  const own = new Map(texts.filter(([name]) => (carried as readonly string[]).includes(name)));
  return {
    idempotencyKey: own.get("idempotencyKey") ?? "",
    runId: own.get("runId") ?? "",
    path: own.get("path") ?? "",
    agent: own.get("agent") ?? "",
    tenant: own.get("tenant") ?? "",
    attributes: Object.fromEntries(texts.filter(([name]) => !own.has(name))),
  };
}
