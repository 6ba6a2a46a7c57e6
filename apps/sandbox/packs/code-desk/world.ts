import { copyTables } from "../../src/world/table.ts";
import type { World } from "../../src/world/world.ts";
import { generateCode } from "./generate.ts";
import type { CodeState } from "./state.ts";
import { ciTools } from "./tools/ci.ts";
import { forgeTools } from "./tools/forge.ts";
import { trackerTools } from "./tools/tracker.ts";

/** The seed that scenarios and their pull requests use unless they say otherwise. */
export const codeDeskSeed = 1;

/** The forge of "Hollinbrook" as a world, with its CI and its tracker. */
export function codeDeskWorld({ seed = codeDeskSeed }: { readonly seed?: number } = {}): World<CodeState> {
  return {
    name: "code-desk",
    initial: () => generateCode(seed).state,
    clone: copyTables,
    tools: [...forgeTools, ...ciTools, ...trackerTools],
  };
}
