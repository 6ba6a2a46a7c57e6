import { z } from "zod";
import { OrchestrationError } from "../errors.ts";
import { sha256 } from "../hash.ts";
import { canonicalJson, type Json } from "../json.ts";
import { labelled } from "../label/labelled.ts";
import { eachScalar } from "../label/value.ts";
import { assertBound } from "../limits.ts";
import { inertMedia } from "../media.ts";
import { isName } from "../name.ts";
import { once } from "../once.ts";
import { type Clock, systemClock } from "../port/clock.ts";
import { parseWith } from "../schema.ts";
import { defineTool, type Tool, type ToolContext, ToolRefusal } from "../tool.ts";
import { assertOptions, oneOf } from "../wanted.ts";
import type { MemoryScope, MemoryStore } from "./store.ts";
import { foundLabels, keptLabels } from "./whose.ts";

/**
 * Memory with declared bounds: what may be kept, whose it is, how long, and by whom, because only an agent with the tool in
 * its list can. It is used through tools, so that every read and write passes the gate and stands in the journal.
 *
 * Z1 An item comes back with the labels of what it was made of: remembering washes nothing clean.
 * Z2 Nobody names an owner: it is whoever the run is for.
 * Z3 In a memory that people share a person's word is theirs alone: others find it as foreign.
 */

/** Whose a memory is: of who started the run, of its conversation (of the run, where it has none), or of the whole tenant. */
export type MemoryOwner = "principal" | "conversation" | "tenant";

export interface MemoryOptions<Name extends string, Holds extends z.ZodType> {
  readonly name: Name;
  /** For models: what is kept here. */
  readonly description: string;
  readonly store: MemoryStore;
  readonly of: MemoryOwner;
  /** What one item may be. */
  readonly holds: Holds;
  /** Milliseconds after which an item is forgotten. */
  readonly retainMs: number;
  /** Items of one owner at most; 1,000 when absent. */
  readonly itemsMax?: number;
  /** Bytes of one item at most, as JSON; 16 KiB when absent. */
  readonly itemBytesMax?: number;
  readonly clock?: Clock;
}

const recallInput = once(() =>
  z.object({
    about: z.string().max(500).optional().describe("Words to look for; the newest items when absent"),
    most: z.int().min(1).max(50).default(10),
  }),
);
const itemOf = <Holds extends z.ZodType>(holds: Holds) => z.object({ id: z.string(), at: z.int(), value: holds });
const recalled = <Holds extends z.ZodType>(holds: Holds) => z.object({ items: z.array(itemOf(holds)) });
const forgetInput = once(() => z.object({ id: z.string().min(1).max(64) }));
const rememberInput = <Holds extends z.ZodType>(holds: Holds) => z.object({ value: holds });
const remembered = once(() => z.object({ id: z.string() }));
const forgotten = once(() => z.object({ forgotten: z.boolean() }));

/** A memory, as the tools that agents get. */
export interface Memory<Name extends string = string, Holds extends z.ZodType = z.ZodType> {
  readonly kind: "memory";
  readonly name: Name;
  readonly of: MemoryOwner;
  readonly retainMs: number;
  /** Finds items again. */
  readonly recall: Tool<`recall_${Name}`, ReturnType<typeof recallInput>, ReturnType<typeof recalled<Holds>>, "read">;
  /** Keeps an item. */
  readonly remember: Tool<
    `remember_${Name}`,
    ReturnType<typeof rememberInput<Holds>>,
    ReturnType<typeof remembered>,
    "write"
  >;
  /** Takes an item away. */
  readonly forget: Tool<`forget_${Name}`, ReturnType<typeof forgetInput>, ReturnType<typeof forgotten>, "write">;
  /**
   * Erases all that somebody has in this memory, for their right to it. Not a tool.
   * @param owner an id of a principal or a conversation; nothing for a memory of the tenant
   */
  readonly erase: (tenant: string, owner?: string) => Promise<number>;
}

/**
 * Defines a memory.
 * @throws OrchestrationError `tool/name-invalid` for a name that makes no name of a tool, `limits/not-a-bound`,
 *   `tool/schema-not-representable`, `options/invalid` for an owner that is none
 */
export function defineMemory<const Name extends string, Holds extends z.ZodType>(
  options: MemoryOptions<Name, Holds>,
): Memory<Name, Holds> {
  assertOptions("defineMemory", options, { of: oneOf("principal", "conversation", "tenant") });
  const { name, description, store, of, holds, retainMs, clock = systemClock() } = options;
  const { itemsMax = 1_000, itemBytesMax = 16 * 1024 } = options;
  if (!isName(name)) throw new OrchestrationError("tool/name-invalid", { tool: name });
  for (const [bound, value] of Object.entries({ retainMs, itemsMax, itemBytesMax })) {
    assertBound(`${bound} of ${name}`, value);
  }
  const scopeOf = ({ tenant, principal = "", conversationId, runId }: ToolContext): MemoryScope => ({
    tenant,
    memory: name,
    owner: ownerOf(of, of === "principal" ? principal : (conversationId ?? runId)),
  });
  const isShared = of !== "principal";
  const recall = defineTool({
    name: `recall_${name}`,
    description: `Finds again what was remembered. ${description}`,
    input: recallInput(),
    output: recalled(holds),
    effect: "read",
    execute: async ({ about, most }, context) => {
      const query = { most, now: clock.now(), ...(about === undefined ? {} : { text: about }) };
      // What an earlier release kept may be no item any more; the others are found all the same.
      const items = (await store.find(scopeOf(context), query))
        .map((item) => ({ ...item, value: inertMedia(item.value) })) // Models have kept it.
        .filter(({ value }) => parseWith(holds, value).ok);
      const found = (labels: readonly string[]) => (isShared ? foundLabels(labels, context.principal) : labels);
      const labels = Object.fromEntries(items.map((item, index) => [`/items/${index}/value`, found(item.labels)]));
      return labelled(
        { items: items.map(({ id, at, value }) => ({ id, at, value: value as z.input<Holds> })) },
        labels,
      );
    },
  });
  const remember = defineTool({
    name: `remember_${name}`,
    description: `Keeps something for later runs. ${description}`,
    input: rememberInput(holds),
    output: remembered(),
    effect: "write",
    risk: "low",
    idempotency: "key",
    reversible: true,
    execute: async (given, context) => {
      const value = inertMedia((given as { readonly value: Json }).value);
      if (!parseWith(holds, value).ok) throw new ToolRefusal("as it would be kept this memory could not read it again");
      const text = canonicalJson(value);
      const bytes = Buffer.byteLength(text);
      if (bytes > itemBytesMax)
        throw new ToolRefusal(`an item has at most ${itemBytesMax} bytes, this one has ${bytes}`);
      const at = clock.now();
      const id = `m_${sha256(context.idempotencyKey).slice(0, 22)}`;
      const item = {
        id,
        value: JSON.parse(text) as Json,
        labels: isShared ? keptLabels(context.labels ?? [], context.principal) : (context.labels ?? []),
        text: textOf(value),
        at,
        expiresAt: at + retainMs,
        run: context.runId,
        path: context.path,
      };
      if (await store.write(scopeOf(context), item, itemsMax)) return { id };
      throw new ToolRefusal(`there is room for ${itemsMax} items; forget one first`);
    },
  });
  const forget = defineTool({
    name: `forget_${name}`,
    description: `Takes something away that was remembered. ${description}`,
    input: forgetInput(),
    output: forgotten(),
    effect: "write",
    risk: "low",
    idempotency: "key",
    execute: async ({ id }, context) => ({ forgotten: await store.forget(scopeOf(context), id) }),
  });
  const bound = <Of extends object>(tool: Of, access: "read" | "write"): Of => ({ ...tool, memory: { name, access } });
  return {
    kind: "memory",
    name,
    of,
    retainMs,
    recall: bound(recall, "read") as Memory<Name, Holds>["recall"],
    remember: bound(remember, "write") as Memory<Name, Holds>["remember"],
    forget: bound(forget, "write") as Memory<Name, Holds>["forget"],
    erase: (tenant, owner) => store.erase({ tenant, memory: name, owner: ownerOf(of, owner ?? "") }),
  };
}

function ownerOf(of: MemoryOwner, id: string): string {
  return of === "tenant" ? "tenant" : `${of}:${id}`;
}

/** The words of a value: all of its texts. */
function textOf(value: Json): string {
  const texts: string[] = [];
  eachScalar(value, (one) => {
    if (typeof one === "string" || typeof one === "number") texts.push(String(one));
    return undefined;
  });
  return texts.join(" ");
}
