import { z } from "zod";
import { type McpDefinition, type ReadDefinition, readDefinition } from "./definition.ts";
import type { McpLimits } from "./limits.ts";
import { measured } from "./measure.ts";
import { bytesAtMost } from "./result.ts";
import { unmasked } from "./text.ts";
import { turn } from "./turn.ts";
import { WireError, type WireSession } from "./wire/port.ts";
import { stopOf } from "./wire/stop.ts";

/** All that a server says it can do. */
export interface Listing {
  /** By name, in the order of the list. */
  readonly definitions: ReadonlyMap<string, McpDefinition>;
  /** What could not be read, with the reason; the others are not touched by it. */
  readonly invalid: readonly { readonly name: string; readonly reason: string }[];
}

/** The list could not be read as a whole. The message says why; there is no such thing as a part of a list. */
export class ListingError extends Error {
  override readonly name = "ListingError";
}

const methodNotFound = -32601;
/** Of one tool, as JSON. */
const definitionBytes = 512 * 1024;
/** Values in the definition of one tool. */
const definitionParts = 20_000;
/** Of a list that is read in one turn of the event loop. */
const turnBytes = 128 * 1024;
/** Where the next page begins. Some servers write `null` or nothing where there is none. */
export const nextCursor = z
  .string()
  .nullish()
  .transform((given) => given || undefined);
const page = z.looseObject({ tools: z.array(z.unknown()), nextCursor });

/**
 * Reads the list of tools, page by page, each tool by itself.
 * @throws ListingError when the server answers with an error or with something else, or a limit is crossed
 * @throws WireError of the kinds `aborted` and `ended`
 */
export async function listTools(session: WireSession, limits: McpLimits, signal: AbortSignal): Promise<Listing> {
  const definitions = new Map<string, McpDefinition>();
  const invalid: { name: string; reason: string }[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  let tools = 0;
  let bytes = 0;
  for (let pages = 1; ; pages++) {
    if (pages > limits.pages) throw new ListingError(`the list has more than ${limits.pages} pages (limit \`pages\`)`);
    const found = await readPage(session, cursor, signal);
    await turn(); // The page has just been parsed.
    let since = bytes;
    tools += found.tools.length;
    if (tools > limits.tools) throw new ListingError(`the list has more than ${limits.tools} tools (limit \`tools\`)`);
    for (const listed of found.tools) {
      const size = await sizeOf(listed);
      bytes += size;
      if (bytes - since > turnBytes) {
        since = bytes;
        await turn();
      }
      if (bytes > limits.listBytes)
        throw new ListingError(`the list exceeds ${limits.listBytes} bytes (limit \`listBytes\`)`);
      const read = readWithin(listed, size);
      const objection = session.objectionTo(listed);
      if (read.ok && objection !== undefined) invalid.push({ name: read.definition.name, reason: objection });
      else if (!read.ok) invalid.push({ name: read.name, reason: read.reason });
      else if (definitions.has(read.definition.name))
        invalid.push({ name: read.definition.name, reason: "it is listed twice" });
      else definitions.set(read.definition.name, read.definition);
    }
    if (found.nextCursor === undefined) break;
    if (cursors.has(found.nextCursor)) throw new ListingError("the list leads back to a page that was read before");
    cursor = found.nextCursor;
    cursors.add(cursor);
  }
  // Of two tools with one name nobody can say which one is meant.
  for (const { name } of invalid) definitions.delete(name);
  return { definitions, invalid };
}

/** Bytes as JSON. */
async function sizeOf(listed: unknown): Promise<number> {
  if (bytesAtMost(listed, turnBytes) <= turnBytes) return Buffer.byteLength(JSON.stringify(listed));
  return (await measured(listed, unmasked)).bytes;
}

/** A definition is read, hashed and compared at once, so what is too long for that is told and not read. */
function readWithin(listed: unknown, size: number): ReadDefinition {
  if (size > definitionBytes) return unread(listed, `it is defined in ${size} bytes, more than ${definitionBytes}`);
  if (hasMoreParts(listed, definitionParts))
    return unread(listed, `it is defined in more than ${definitionParts} parts`);
  return readDefinition(listed);
}

function unread(listed: unknown, reason: string): ReadDefinition {
  const { name } = (listed ?? {}) as { readonly name?: unknown };
  return { ok: false, name: typeof name === "string" ? name.slice(0, 128) : "", reason };
}

/** Whether there are more values in a value than that. */
function hasMoreParts(value: unknown, max: number): boolean {
  const waiting = [value];
  for (let parts = 1; waiting.length > 0; parts++) {
    if (parts + waiting.length > max) return true;
    const at = waiting.pop();
    if (typeof at !== "object" || at === null) continue;
    const members = Object.values(at);
    if (members.length > max) return true;
    waiting.push(...members);
  }
  return false;
}

async function readPage(
  session: WireSession,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<z.output<typeof page>> {
  let answer: unknown;
  try {
    answer = await session.request("tools/list", cursor === undefined ? {} : { cursor }, { stop: stopOf(signal) });
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    const { fault } = thrown;
    // Who never said that it has tools may not know the question.
    const toolless = session.peer.capabilities.tools === undefined && cursor === undefined;
    if (fault.kind === "rejected" && fault.rpcCode === methodNotFound && toolless)
      return { tools: [], nextCursor: undefined };
    if (fault.kind === "rejected") throw new ListingError(`error ${fault.rpcCode}: ${fault.reason}`, { cause: thrown });
    if (fault.kind === "malformed") throw new ListingError(fault.reason, { cause: thrown });
    throw thrown;
  }
  const parsed = page.safeParse(answer);
  if (!parsed.success) throw new ListingError("the answer is not a list of tools", { cause: parsed.error });
  return parsed.data;
}
