import { type Clock, type ErrorData, type Json, type Logger, reasonOf } from "@remit/core";
import { jsonChanges, type McpDefinition, pinOf } from "./definition.ts";
import { McpError } from "./errors.ts";
import type { Listing } from "./listing.ts";
import {
  type PinDocument,
  type PinStore,
  pinOfFacts,
  pinsOf,
  type Sight,
  type Sighting,
  sighted,
  sightingOf,
} from "./pin-store.ts";
import type { ServerFacts, ServerIdentity } from "./server-identity.ts";
import { type Mask, visible } from "./text.ts";
import type { McpToolConfigs } from "./tool-config.ts";
import type { WirePeer } from "./wire/port.ts";

/** The server's name for a tool of the configuration. */
export function remoteNameOf(name: string, { remoteName }: { readonly remoteName?: string }): string {
  return remoteName ?? name;
}

/**
 * Says which tools of a connection may be called. A tool may when it looks as it must: as its pin in the configuration,
 * or as the store of pins has it accepted, or, with neither, as it looked on the first connection of this process. And
 * it must look as the tool that was made of it, whose text and schemas a model has read. Nothing that is found later
 * replaces any of these; a change refuses the one tool, and the others go on.
 */
export interface PinBoard {
  /**
   * Judges a new list. The map is by the server's names, in the order of the configuration, and changes when what it
   * rests on does ({@link PinBoard.again}).
   */
  readonly inspect: (listing: Listing, peer: Pick<WirePeer, "instructions">) => Promise<ReadonlyMap<string, McpError>>;
  /** Judges the last list once more, where a person may have decided since. */
  readonly again: (remoteName: string) => Promise<void> | undefined;
  /** Why the server of the last list is not the one that is accepted, if so. */
  readonly host: () => Promise<McpError | undefined>;
  /** The same as it was judged last: with each new list, and whenever it was asked for. */
  readonly hostAsJudged: () => McpError | undefined;
  /**
   * The definition that is accepted and known, by now; what a tool may be made of before its server is there, and anew when
   * a person has accepted another one.
   */
  readonly known: (remoteName: string) => Promise<McpDefinition | undefined>;
  /**
   * From now on the tool must look like this, since one has been made of it. One that was made before of something else
   * looks itself whether it is still what it is called for.
   */
  readonly made: (definition: McpDefinition) => void;
}

export interface PinBoardOptions {
  readonly server: string;
  readonly tools: McpToolConfigs;
  readonly identity: ServerIdentity;
  readonly store: PinStore | undefined;
  readonly trustOnFirstUse: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mask: Mask;
}

export interface Expected {
  readonly pin: string;
  readonly definition: McpDefinition | undefined;
}

export function createPinBoard(options: PinBoardOptions): PinBoard {
  const { server, tools, identity, store, trustOnFirstUse, clock, logger, mask } = options;
  const remoteNames = Object.entries(tools).map(([name, config]) => remoteNameOf(name, config));
  const pinnedInCode = new Map<string, Expected>();
  for (const [name, { pin, remoteName = name }] of Object.entries(tools)) {
    if (typeof pin === "string") pinnedInCode.set(remoteName, { pin, definition: undefined });
    else if (pin !== undefined) pinnedInCode.set(remoteName, pin);
  }
  const expected = new Map(pinnedInCode);
  const refused = new Map<string, McpError>();
  let last: { readonly listing: Listing; readonly facts: ServerFacts } | undefined;
  let hostRefusal: McpError | undefined;

  /** What the store has, or why nobody can say. Without a store: undefined. */
  const accepted = async (sight?: Sight): Promise<PinDocument | McpError | undefined> => {
    if (!store) return undefined;
    try {
      const document = await store.read();
      return sight ? await noted(store, document, sight) : document;
    } catch (thrown) {
      return McpError.is(thrown)
        ? thrown
        : new McpError("mcp/pins-unreadable", { file: store.where, reason: reasonOf(thrown) }, { cause: thrown });
    }
  };

  /** Keeps what waits for a person. Where it cannot be kept nothing more is allowed by that, so the connection goes on. */
  const noted = async (pins: PinStore, document: PinDocument, sight: Sight): Promise<PinDocument> => {
    const at = new Date(clock.now()).toISOString();
    const edit = (before: PinDocument) => sighted(before, sight, at, trustOnFirstUse ? "trustOnFirstUse" : undefined);
    if (edit(document) === document) return document;
    try {
      return await pins.change(edit);
    } catch (thrown) {
      if (McpError.is(thrown, "mcp/pins-unreadable")) throw thrown;
      logger.warn({ server, reason: reasonOf(thrown) }, "What waits to be accepted could not be written down.");
      return document;
    }
  };

  const judgeHost = (document: PinDocument | McpError | undefined) => {
    hostRefusal = document && last ? unacceptedHost(server, "(resources)", document, last.facts) : undefined;
  };

  const judge = (document: PinDocument | McpError | undefined) => {
    refused.clear();
    judgeHost(document);
    if (!last) return;
    const { listing, facts } = last;
    for (const tool of remoteNames) {
      const definition = listing.definitions.get(tool);
      const refusal = definition
        ? (unaccepted({ server, tool, definition, facts }, document, pinnedInCode.has(tool)) ??
          outdated(unexpected(server, tool, expected.get(tool), definition), document, pinnedInCode.has(tool)))
        : absent(server, tool, listing);
      if (refusal) refused.set(tool, refusal);
      // A pin that was given as a hash alone learns here which definition it stands for. With a store a tool may be
      // accepted anew while nothing was made of it, so only the store decides until then.
      else if (definition && (!store || expected.has(tool))) expected.set(tool, { pin: pinOf(definition), definition });
    }
  };

  return {
    inspect: async (listing, { instructions }) => {
      // Instructions may name a secret that the server was given.
      const facts = { identity, instructions: instructions === undefined ? null : mask(instructions) };
      last = { listing, facts };
      const found = remoteNames.flatMap((name) => listing.definitions.get(name) ?? []);
      judge(await accepted({ server, facts, tools: found.filter(({ name }) => !pinnedInCode.has(name)) }));
      return refused;
    },
    again: (remoteName) => (store && refused.has(remoteName) ? accepted().then(judge) : undefined),
    host: async () => {
      judgeHost(await accepted());
      return hostRefusal;
    },
    hostAsJudged: () => hostRefusal,
    known: async (remoteName) => {
      const before = expected.get(remoteName)?.definition;
      if (!store || pinnedInCode.has(remoteName)) return before;
      const document = await accepted();
      if (document === undefined || McpError.is(document)) return before;
      return sightingOf(pinsOf(document, server), remoteName).accepted?.value;
    },
    made: (definition) => {
      expected.set(definition.name, { pin: pinOf(definition), definition });
    },
  };
}

/** Why the store does not let the tool be called, if so. */
function unaccepted(
  {
    server,
    tool,
    definition,
    facts,
  }: {
    readonly server: string;
    readonly tool: string;
    readonly definition: McpDefinition;
    readonly facts: ServerFacts;
  },
  document: PinDocument | McpError | undefined,
  inCode: boolean,
): McpError | undefined {
  if (document === undefined) return undefined;
  const refusal = unacceptedHost(server, tool, document, facts);
  if (refusal) return refusal;
  if (inCode) return undefined;
  const known: Sighting<McpDefinition> = McpError.is(document) ? {} : sightingOf(pinsOf(document, server), tool);
  if (!known.accepted) {
    return new McpError("mcp/tool-quarantined", { server, tool, reason: "it is new here", found: pinOf(definition) });
  }
  const { pin, value } = known.accepted;
  return unexpected(server, tool, { pin, definition: value }, definition);
}

function unacceptedHost(
  server: string,
  tool: string,
  document: PinDocument | McpError,
  facts: ServerFacts,
): McpError | undefined {
  if (McpError.is(document)) return document;
  const host = pinsOf(document, server).server.accepted;
  if (!host) return new McpError("mcp/tool-quarantined", { server, tool, reason: "its server is new here" });
  const found = pinOfFacts(facts);
  if (host.pin === found) return undefined;
  const changes = shownChanges(host.value as unknown as Json, facts as unknown as Json);
  return new McpError("mcp/server-changed", { server, tool, accepted: host.pin, found, changes });
}

/** Why a tool is not as it must be, if so. */
export function unexpected(
  server: string,
  tool: string,
  before: Expected | undefined,
  definition: McpDefinition,
): McpError | undefined {
  const found = pinOf(definition);
  if (!before || before.pin === found) return undefined;
  const changes = before.definition
    ? shownChanges(before.definition as unknown as Json, definition as unknown as Json)
    : "only the pin is known of the definition that was accepted";
  const data: ErrorData = { server, tool, pinned: before.pin, found, changes };
  return new McpError("mcp/tool-changed", data);
}

/** Where people have accepted what is there by now, nobody has to look at it again: what was made of the old one is behind. */
function outdated(
  refusal: McpError | undefined,
  document: PinDocument | McpError | undefined,
  inCode: boolean,
): McpError | undefined {
  return refusal && document && !inCode ? new McpError("mcp/tool-outdated", refusal.data) : refusal;
}

function absent(server: string, tool: string, { definitions, invalid }: Listing): McpError {
  const bad = invalid.find(({ name }) => name === tool);
  if (bad) return new McpError("mcp/tool-invalid", { server, tool, reason: bad.reason });
  const available = [...definitions.keys()].slice(0, 100).map(visible);
  return new McpError("mcp/tool-missing", { server, tool, available });
}

/** The changes as people may see them, with what is hidden written out. */
export function shownChanges(before: Json | undefined, after: Json | undefined): Json {
  return jsonChanges(before, after).map((change) => visibleJson(change as unknown as Json));
}

/** A value of JSON with what is hidden in its texts written out. */
export function visibleJson(value: Json): Json {
  if (typeof value === "string") return visible(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(visibleJson);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [visible(key), visibleJson(member)]));
}
