import { scenarioOf } from "../../suite/world-of.ts";
import type { World } from "../../world/world.ts";
import { lineTools } from "./line-tools.ts";
import { loadTelecom, type TelecomDomain } from "./load.ts";
import { phoneTools } from "./phone-tools.ts";
import { cloneState, type TelecomState } from "./state.ts";

export type TelecomWorldOptions =
  | { /** A folder, a checkout, or a file of tasks; see {@link loadTelecom}. */ readonly path: string }
  | { /** Already loaded; never changed. */ readonly domain: Pick<TelecomDomain, "start" | "tasks"> };

/**
 * The carrier and the customer's phone as a world. Each task's world begins where its set-up leaves it. The carrier's tools are
 * offered to the desk; those of the phone are the customer's alone.
 * @throws Tau2Error `tau2/file-missing`, `tau2/file-broken`, `tau2/not-supported`
 */
export function telecomWorld(options: TelecomWorldOptions): World<TelecomState> {
  const { start, tasks } = "domain" in options ? options.domain : loadTelecom(options.path);
  const prepared = new Map(tasks.map((task) => [task.name, task.start]));
  return {
    name: "tau2-telecom",
    initial: () => cloneState(start),
    prepared: (worldId) => prepared.get(scenarioOf(worldId)),
    clone: cloneState,
    tools: [...lineTools, ...phoneTools],
  };
}
