import { type AnyTool, memoryEngine, reasonOf, type Supervisor, type SupervisorDefinition } from "@remit/core";
import type { AtHand, ConfiguredSupervisor } from "../config/define-config.ts";
import type { ReadConfig } from "../config/read-config.ts";
import { SandboxError } from "../errors.ts";
import { kindOf } from "../own/module.ts";
import { noModel } from "./offline.ts";
import { offlineTeam } from "./offline-team.ts";
import { packOfConfig } from "./own-pack.ts";

/** A supervisor as the configuration has it: put to work already, or compiled only. */
export type MadeSupervisor =
  | { readonly definition: SupervisorDefinition; readonly supervisor: Supervisor }
  | { readonly definition: SupervisorDefinition; readonly supervisor?: undefined };

/**
 * The supervisors of a configuration, its functions called with what they are given.
 * @throws SandboxError `config/failed` for what they throw, and where one gives no supervisor
 */
export async function madeSupervisors(
  { file, supervisors }: Pick<ReadConfig, "file" | "supervisors">,
  atHand: () => Promise<AtHand>,
): Promise<readonly MadeSupervisor[]> {
  const failed = (reason: string, cause?: unknown) =>
    new SandboxError("config/failed", { file, member: "supervisors", reason }, { cause });
  const made: MadeSupervisor[] = [];
  for (const one of supervisors) {
    const given = typeof one === "function" ? await called(one, atHand, failed) : one;
    for (const value of Array.isArray(given) ? given : [given]) {
      const found = madeOf(value);
      if (!found) throw failed("it gives something that is no supervisor");
      made.push(found);
    }
  }
  return made;
}

async function called(
  make: Extract<ConfiguredSupervisor, (atHand: never) => unknown>,
  atHand: () => Promise<AtHand>,
  failed: (reason: string, cause: unknown) => SandboxError,
): Promise<unknown> {
  const given = await atHand();
  try {
    return await make(given);
  } catch (thrown) {
    throw failed(reasonOf(thrown), thrown);
  }
}

function madeOf(value: unknown): MadeSupervisor | undefined {
  if (kindOf(value) === "supervisor") return { definition: value as SupervisorDefinition };
  if (typeof value !== "object" || value === null || !("definition" in value)) return undefined;
  if (kindOf(value.definition) !== "supervisor") return undefined;
  const definition = value.definition as SupervisorDefinition;
  return "engine" in value ? { definition, supervisor: value as unknown as Supervisor } : { definition };
}

/**
 * The tools of the configured MCP servers, which are started.
 * @param opened ends them
 * @throws McpError
 */
export async function configuredTools(
  { mcp }: Pick<ReadConfig, "mcp">,
  opened: AsyncDisposableStack,
): Promise<AtHand["tools"]> {
  if (mcp === undefined) return new Map();
  const { connectMcpServers, pinFile, readMcpConfig } = await import("@remit/mcp-bridge");
  const { servers, pins, names } = await readMcpConfig(mcp);
  const connected = await connectMcpServers({ servers, names, ...(pins === undefined ? {} : { pins: pinFile(pins) }) });
  opened.defer(() => connected.close());
  return new Map(connected.tools.map((tool): [string, AnyTool] => [tool.name, tool]));
}

/**
 * All teams of a configuration: its supervisors, then those of its packs that are not the same. Nothing of the
 * application's is opened; functions are given an engine in memory, models that nobody asks, and the tools of the MCP
 * servers, which are started for that where there are any.
 */
export async function projectTeams(config: ReadConfig): Promise<readonly SupervisorDefinition[]> {
  await using opened = new AsyncDisposableStack();
  const models = new Proxy({} as AtHand["models"], { get: () => noModel, has: () => true });
  const atHand = async (): Promise<AtHand> => ({
    engine: memoryEngine(),
    models,
    tools: await configuredTools(config, opened),
    policy: typeof config.policy === "string" ? undefined : config.policy,
  });
  const teams = (await madeSupervisors(config, atHand)).map(({ definition }) => definition);
  for (const name of Object.keys(config.packs)) {
    const team = offlineTeam((await packOfConfig(config.file, name)).pack);
    if (!teams.some(({ hash }) => hash === team.hash)) teams.push(team);
  }
  return teams;
}
