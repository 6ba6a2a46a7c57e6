import { toMermaid, toStateJson } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { choosePack, onlyOne } from "./choose-pack.ts";
import type { Context, ExitCode } from "./context.ts";
import { offlineTeam } from "./offline-team.ts";
import { packNames } from "./packs.ts";
import { projectTeams } from "./project-teams.ts";
import { isFile } from "./team-file.ts";

export interface GraphOptions {
  readonly tau2?: string;
  readonly format: string;
}

/** A supervisor of the project by its name, the only one of the project, or a pack's. */
async function teamMeant(name: string | undefined, { tau2 }: GraphOptions, context: Context) {
  const known = name !== undefined && ((packNames as readonly string[]).includes(name) || isFile(name));
  const config = known || tau2 !== undefined ? undefined : await context.project.config();
  if (config && !(name !== undefined && Object.hasOwn(config.packs, name))) {
    const teams = await projectTeams(config);
    const wanted =
      name ??
      onlyOne(
        teams.map((team) => team.name),
        "supervisors",
        "supervisor",
      );
    const found = teams.find((team) => team.name === wanted);
    if (found) return found;
  }
  return offlineTeam((await choosePack({ pack: name, tau2 }, context)).pack);
}

/** Prints a supervisor; starts no server. */
export async function graph(packName: string | undefined, options: GraphOptions, context: Context): Promise<ExitCode> {
  const { format } = options;
  if (format !== "mermaid" && format !== "xstate") {
    throw new SandboxError("usage/wrong", { reason: `--format is mermaid or xstate, not "${format}"` });
  }
  const definition = await teamMeant(packName, options, context);
  if (format === "xstate") context.json(toStateJson(definition));
  else context.out.print(toMermaid(definition).trimEnd());
  return 0;
}
