import { toMermaid, toStateJson } from "@remit/core";
import { SandboxError } from "../errors.ts";
import type { Context, ExitCode } from "./context.ts";
import { offlineTeam } from "./offline-team.ts";
import { chosenPack, openPack } from "./packs.ts";

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
  const tau2 = options.tau2 === undefined ? undefined : context.place.resolve(options.tau2);
  const definition = offlineTeam(await openPack(chosenPack({ pack: packName, tau2 })));
  if (format === "xstate") context.json(toStateJson(definition));
  else context.out.print(toMermaid(definition).trimEnd());
  return 0;
}
