import { toMermaid, toStateJson } from "@remit/core";
import { SandboxError } from "../errors.ts";
import { choosePack } from "./choose-pack.ts";
import type { Context, ExitCode } from "./context.ts";
import { offlineTeam } from "./offline-team.ts";

export interface GraphOptions {
  readonly tau2?: string;
  readonly format: string;
}

/** Prints a pack's supervisor; starts no server. */
export async function graph(packName: string | undefined, options: GraphOptions, context: Context): Promise<ExitCode> {
  const { format } = options;
  if (format !== "mermaid" && format !== "xstate") {
    throw new SandboxError("usage/wrong", { reason: `--format is mermaid or xstate, not "${format}"` });
  }
  const { pack } = await choosePack({ pack: packName, tau2: options.tau2 }, context);
  const definition = offlineTeam(pack);
  if (format === "xstate") context.json(toStateJson(definition));
  else context.out.print(toMermaid(definition).trimEnd());
  return 0;
}
