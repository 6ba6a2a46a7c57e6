import type { Json } from "@remit/core";
import { z } from "zod";
import { type McpDefinition, pinOf, pinOfJson } from "./definition.ts";
import { McpError } from "./errors.ts";
import type { ServerFacts } from "./server-identity.ts";

/**
 * What people have accepted of servers, and what was found and waits for them.
 *
 * Q1 Only {@link accept} makes something accepted, and only what it was shown: it is given the pin that was read.
 * Q2 What is found is kept as `pending` beside what is accepted. It never takes its place by being found again.
 * Q3 A document that cannot be read in whole accepts nothing, and is not written over.
 */
export interface PinStore {
  /** Where it is kept, for people. */
  readonly where: string;
  /** @throws McpError `mcp/pins-unreadable` */
  readonly read: () => Promise<PinDocument>;
  /**
   * Changes the document with nobody else at it. `edit` may be called again and must not throw but to give up; the same
   * document back means that nothing is written.
   * @throws McpError `mcp/pins-unreadable`, `mcp/pins-busy`
   */
  readonly change: (edit: (document: PinDocument) => PinDocument) => Promise<PinDocument>;
}

export interface PinDocument {
  readonly servers: Readonly<Record<string, ServerPins>>;
}

export interface ServerPins {
  readonly server: Sighting<ServerFacts>;
  /** By the server's own names. */
  readonly tools: Readonly<Record<string, Sighting<McpDefinition>>>;
}

/** One thing: as it was accepted, and as it was last found where that is different. */
export interface Sighting<Value> {
  readonly accepted?: { readonly pin: string; readonly value: Value; readonly by: string; readonly at: string };
  readonly pending?: { readonly pin: string; readonly value: Value; readonly seenAt: string };
}

/** What one sight of a server showed. */
export interface Sight {
  readonly server: string;
  readonly facts: ServerFacts;
  readonly tools: readonly McpDefinition[];
}

export const emptyPins: PinDocument = { servers: {} };

export function pinOfFacts({ identity, instructions }: ServerFacts): string {
  return pinOfJson({ identity, instructions });
}

export function pinsOf(document: PinDocument, server: string): ServerPins {
  return own(document.servers, server) ?? { server: {}, tools: {} };
}

/** What is known of one tool; not what every object has, such as `toString`. */
export function sightingOf(pins: ServerPins, tool: string): Sighting<McpDefinition> {
  return own(pins.tools, tool) ?? {};
}

function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * The document after a sight: what is not as accepted waits (Q2), what is as accepted again waits no longer. The same
 * document when nothing is new.
 * @param trust whose word makes a first sight accepted; of a change it never does
 */
export function sighted(document: PinDocument, sight: Sight, at: string, trust?: string): PinDocument {
  const before = pinsOf(document, sight.server);
  const server = seen(before.server, { pin: pinOfFacts(sight.facts), value: sight.facts }, at, trust);
  const tools = new Map(Object.entries(before.tools));
  let changed = server !== before.server;
  for (const definition of sight.tools) {
    const known = sightingOf(before, definition.name);
    const now = seen(known, { pin: pinOf(definition), value: definition }, at, trust);
    changed ||= now !== known;
    tools.set(definition.name, now);
  }
  return changed ? withServer(document, sight.server, { server, tools: Object.fromEntries(tools) }) : document;
}

function seen<Value>(
  known: Sighting<Value>,
  found: { readonly pin: string; readonly value: Value },
  at: string,
  trust: string | undefined,
): Sighting<Value> {
  const { accepted, pending } = known;
  if (accepted?.pin === found.pin) return pending === undefined ? known : { accepted };
  if (accepted === undefined && trust !== undefined) return { accepted: { ...found, by: trust, at } };
  if (pending?.pin === found.pin) return known;
  return { ...(accepted === undefined ? {} : { accepted }), pending: { ...found, seenAt: at } };
}

/** A person's word on one thing that waits. Without a tool it is about the server itself. */
export interface Acceptance {
  readonly server: string;
  readonly tool?: string;
  /** The pin that was read (Q1). */
  readonly pin: string;
  /** Who accepts. */
  readonly by: string;
  /** When, as ISO 8601. */
  readonly at: string;
}

/**
 * The document with one thing accepted.
 * @throws McpError `mcp/acceptance-stale` when that pin does not wait there
 */
export function accept(document: PinDocument, { server, tool, pin, by, at }: Acceptance): PinDocument {
  const pins = pinsOf(document, server);
  const what = tool === undefined ? `the server ${server}` : `the tool ${tool} of ${server}`;
  if (tool === undefined) {
    return withServer(document, server, { ...pins, server: taken(pins.server, pin, by, at, what) });
  }
  const sighting = taken(sightingOf(pins, tool), pin, by, at, what);
  return withServer(document, server, { ...pins, tools: { ...pins.tools, [tool]: sighting } });
}

function taken<Value>(known: Sighting<Value>, pin: string, by: string, at: string, what: string): Sighting<Value> {
  if (known.accepted?.pin === pin && known.pending === undefined) return known;
  if (known.pending?.pin !== pin) {
    const waits = known.pending === undefined ? "nothing of it waits" : `${known.pending.pin} waits`;
    throw new McpError("mcp/acceptance-stale", { reason: `${what} with ${pin} was not found; ${waits}`, what, pin });
  }
  return { accepted: { pin, value: known.pending.value, by, at } };
}

function withServer(document: PinDocument, server: string, pins: ServerPins): PinDocument {
  return { servers: { ...document.servers, [server]: pins } };
}

/** Pins in memory, for tests and for programs that keep them elsewhere. */
export function memoryPins(document: PinDocument = emptyPins): PinStore {
  let current = document;
  return {
    where: "memory",
    read: () => Promise.resolve(current),
    change: async (edit) => {
      current = edit(current);
      return current;
    },
  };
}

const format = "remit-mcp-pins";
const version = 1;

const sighting = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({
    accepted: z.strictObject({ pin: z.string(), value, by: z.string(), at: z.string() }).optional(),
    pending: z.strictObject({ pin: z.string(), value, seenAt: z.string() }).optional(),
  });
const json = z.record(z.string(), z.json());
const definition = z.strictObject({
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: json,
  outputSchema: json.optional(),
  annotations: json.optional(),
  icons: z.array(z.json()).optional(),
  _meta: json.optional(),
});
const facts = z.strictObject({
  identity: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("stdio"),
      command: z.string(),
      args: z.array(z.string()),
      package: z.strictObject({ name: z.string(), version: z.string() }).optional(),
    }),
    z.strictObject({ kind: z.literal("http"), origin: z.string() }),
  ]),
  instructions: z.string().nullable(),
});
const file = z.strictObject({
  format: z.literal(format),
  version: z.literal(version),
  servers: z.record(
    z.string(),
    z.strictObject({ server: sighting(facts), tools: z.record(z.string(), sighting(definition)) }),
  ),
});

/** The text of a document, for a file that people may read and keep under version control. */
export function writePins({ servers }: PinDocument): string {
  return `${JSON.stringify({ format, version, servers }, null, 2)}\n`;
}

/**
 * Reads such a text, all of it or nothing (Q3): every pin must be the one of the value beside it.
 * @throws McpError `mcp/pins-unreadable`
 */
export function readPins(text: string, where: string): PinDocument {
  const unreadable = (reason: string) => new McpError("mcp/pins-unreadable", { file: where, reason });
  let read: Json;
  try {
    read = JSON.parse(text) as Json;
  } catch (cause) {
    throw new McpError("mcp/pins-unreadable", { file: where, reason: "it is not JSON" }, { cause });
  }
  const head = typeof read === "object" && read !== null ? (read as { format?: unknown; version?: unknown }) : {};
  if (head.format !== format) throw unreadable(`it is not a file of pins (\`format\` is not "${format}")`);
  if (typeof head.version === "number" && head.version > version) {
    throw unreadable(`it has version ${head.version}, and this program knows ${version}; update Remit`);
  }
  const parsed = file.safeParse(read);
  if (!parsed.success) throw unreadable(`it has another form at ${parsed.error.issues[0]?.path.join("/") ?? ""}`);
  const { servers } = parsed.data as unknown as PinDocument;
  for (const [server, pins] of Object.entries(servers)) {
    checkPin(`${server}`, pins.server, pinOfFacts, unreadable);
    for (const [tool, known] of Object.entries(pins.tools)) {
      checkPin(`${server}/${tool}`, known, pinOf, unreadable);
      for (const one of [known.accepted, known.pending]) {
        if (one && one.value.name !== tool) throw unreadable(`${server}/${tool} holds the tool ${one.value.name}`);
      }
    }
  }
  return { servers };
}

function checkPin<Value>(
  what: string,
  { accepted, pending }: Sighting<Value>,
  pinned: (value: Value) => string,
  unreadable: (reason: string) => McpError,
): void {
  for (const one of [accepted, pending]) {
    if (one && pinned(one.value) !== one.pin)
      throw unreadable(`the pin of ${what} is not the one of what stands beside it`);
  }
}
