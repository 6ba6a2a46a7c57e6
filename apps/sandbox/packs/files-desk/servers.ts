import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type AnyTool, type Json, type LookupAnswer, ToolRefusal } from "@remit/core";
import { connectMcp, type McpToolConfigs, stdio } from "@remit/mcp-bridge";
import type { Place, PlaceOptions } from "../../src/pack.ts";
import { scenarioOf } from "../../src/suite/world-of.ts";
import { changesBetween } from "../../src/world/changes.ts";
import { type Matter, matters, memoryFile, officeFolder, openOffice, startOf, stateOf } from "./office.ts";

/**
 * The two servers, as their packages publish them. Neither knows idempotency keys, so every write can be looked up: after a
 * crash the file or the node itself says whether it happened. Each has the pin of the definition that was read when this was written: an update of a server that
 * changes one is refused until somebody has read it. Whatever is not named here does not exist for the team:
 * `edit_file`, `delete_entities`, `read_graph` and a dozen more.
 */

type Read = (tool: string, input: { readonly [key: string]: Json }) => Promise<Json>;

/** A write that has not shown itself this long after the server's process was ended never will. Milliseconds. */
const settlesWithinMs = 5_000;
const write = { effect: "write", idempotency: "lookup", settlesWithinMs } as const;

export const fileTools = {
  read_text_file: { effect: "read", pin: "sha256-qQeoeLFlmh0LI_av8o81TOcmX8W824Dkb8Z15ztGSs8" },
  list_directory: { effect: "read", pin: "sha256-7qZda3YyBaxPj-_WTfEooQDKCF5n7p8Xc1CSye0KC0c" },
  search_files: { effect: "read", pin: "sha256-v0K4F0EPdv_Sw6SCSC4Bh1ksnfbPYUDLbHL81uy0svw" },
  write_file: {
    ...write,
    pin: "sha256-bWoiOwKTLOjxsL8UfHveJt11DjlM5zWfraKNhK560i4",
    risk: "medium",
    protect: ["path"],
    lookup: async ({ path, content }, _, call) => {
      const there = await textOf(call, path);
      if (there === content) return found(`Successfully wrote to ${path}`);
      // Another text is the one from before, or somebody's from after: to write again could lose it.
      return { outcome: there === undefined ? "never" : "unknown" };
    },
  },
  create_directory: {
    ...write,
    pin: "sha256-WrqPfqhsKafZFpXbKfF4-IpAuqLA6CG6XGdBMAu9OrM",
    // Where it goes may have been read in a file: what is protected does not go unlooked at.
    risk: "medium",
    protect: ["path"],
    lookup: async ({ path }, _, call) => {
      const there = await unlessRefused(() => call("list_directory", { path: path as string }));
      return there === undefined ? { outcome: "never" } : found(`Successfully created directory ${path}`);
    },
  },
  move_file: {
    ...write,
    pin: "sha256-hNF1PYlJJci3JAln5tpTUmEN1RCAjFJPkV4dydwk0wA",
    risk: "high",
    protect: ["source", "destination"],
    lookup: async ({ source, destination }, _, call) => {
      const [from, to] = [await textOf(call, source), await textOf(call, destination)];
      if (from === undefined && to !== undefined) return found(`Successfully moved ${source} to ${destination}`);
      return from !== undefined && to === undefined ? { outcome: "never" } : { outcome: "unknown" };
    },
  },
} as const satisfies McpToolConfigs;

export const memoryTools = {
  search_nodes: { effect: "read", pin: "sha256-aWYWyM9-f1DcW9klf_u9Sjbg_B3Lm9Uvi-JTahqhdT8" },
  open_nodes: { effect: "read", pin: "sha256-aeHmtP7VLKoQ1IO6wD0FkUekZVCm1FRvJPo0tYvFxXE" },
  create_entities: {
    ...write,
    pin: "sha256-lPbBO6RdUem2yphAkyBBCjtjTch__8pDO8E_YpDK8do",
    risk: "low",
    lookup: async ({ entities }, _, call) => {
      const wanted = entities as readonly (Named & { readonly [key: string]: Json })[];
      const there = await namesOf(call, wanted);
      if (there.size === 0) return { outcome: "never" };
      return there.size === wanted.length ? { outcome: "found", output: { entities: wanted } } : { outcome: "unknown" };
    },
  },
  add_observations: {
    ...write,
    pin: "sha256-pPyBH6X3tCUZaCv7OvpnDlDg7kXqns3yJJwnh1nVqKY",
    risk: "low",
    lookup: async ({ observations }, _, call) => {
      const wanted = observations as readonly { readonly entityName: string; readonly contents: readonly string[] }[];
      const there = await namesOf(
        call,
        wanted.map(({ entityName }) => ({ name: entityName })),
      );
      const has = wanted.map(({ entityName, contents }) =>
        contents.map((text) => there.get(entityName)?.includes(text)),
      );
      const all = has.flat();
      if (all.every((one) => !one)) return { outcome: "never" };
      if (!all.every((one) => one)) return { outcome: "unknown" };
      const results = wanted.map(({ entityName, contents }) => ({ entityName, addedObservations: [...contents] }));
      return { outcome: "found", output: { results } };
    },
  },
} as const satisfies McpToolConfigs;

/** Starts both servers on a suite's office. */
export async function openFilesPlace({ dir, logger }: PlaceOptions): Promise<Place> {
  openOffice(dir);
  const root = officeFolder(dir);
  const shared = logger ? { logger } : {};
  const files = connectMcp({
    name: "files",
    transport: stdio(process.execPath, [programOf("@modelcontextprotocol/server-filesystem"), root], { cwd: root }),
    tools: fileTools,
    ...shared,
  });
  const memory = connectMcp({
    name: "memory",
    transport: stdio(process.execPath, [programOf("@modelcontextprotocol/server-memory")], {
      env: { MEMORY_FILE_PATH: memoryFile(dir) },
    }),
    tools: memoryTools,
    ...shared,
  });
  const [first, second] = await Promise.allSettled([files, memory]);
  if (first.status === "rejected" || second.status === "rejected") {
    for (const one of [first, second]) if (one.status === "fulfilled") await one.value.close();
    throw first.status === "rejected" ? first.reason : (second as PromiseRejectedResult).reason;
  }
  const connections = [first.value, second.value];
  const tools = connections.flatMap((one) => Object.entries(one.tools as Readonly<Record<string, AnyTool>>));
  return {
    tools: new Map(tools),
    reader: {
      endState: (worldId) => stateOf(dir, matterOf(worldId)),
      changes: (worldId) => changesBetween(startOf(matterOf(worldId)), stateOf(dir, matterOf(worldId))),
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((one) => one.close()));
    },
  };
}

function matterOf(worldId: string): Matter {
  const matter = matters[scenarioOf(worldId)];
  if (!matter) throw new Error(`the office has no matter for the world "${worldId}"`);
  return matter;
}

/** The file that a published server is started with. */
export function programOf(name: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly bin: Readonly<Record<string, string>> };
  const [program] = Object.values(bin);
  if (program === undefined) throw new Error(`${name} has no program`);
  return join(dirname(manifest), program);
}

function found(content: string): LookupAnswer<Json> {
  return { outcome: "found", output: { content } };
}

/** The text of a file; undefined where there is none. */
async function textOf(call: Read, path: Json | undefined): Promise<Json | undefined> {
  const answer = await unlessRefused(() => call("read_text_file", { path: path as string }));
  return (answer as { readonly content?: Json } | undefined)?.content;
}

async function unlessRefused(ask: () => Promise<Json>): Promise<Json | undefined> {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof ToolRefusal) return undefined;
    throw thrown;
  }
}

interface Named {
  readonly name: string;
}

/** Which of these nodes exist, with what is observed of them. */
async function namesOf(call: Read, wanted: readonly Named[]): Promise<Map<string, readonly string[]>> {
  const answer = (await call("open_nodes", { names: wanted.map(({ name }) => name) })) as unknown as {
    readonly entities: readonly (Named & { readonly observations: readonly string[] })[];
  };
  return new Map(answer.entities.map(({ name, observations }) => [name, observations]));
}
