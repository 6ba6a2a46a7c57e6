import { generateCode } from "../generate.ts";
import { codeDeskSeed, codeDeskWorld } from "../world.ts";
import { classStories } from "./classes.ts";
import { mergingStories } from "./merging.ts";
import { oversteppingStories } from "./overstepping.ts";
import { releasingStories } from "./releasing.ts";
import { reviewingStories } from "./reviewing.ts";
import { type Told, tellPull, tellRelease } from "./story.ts";
import { testingStories } from "./testing.ts";

/** All scenarios of the desk, with what must be true of its forge at their ends. */
export function codeStories(): readonly Told[] {
  const { state, planted } = generateCode(codeDeskSeed);
  const stage = { world: codeDeskWorld(), start: state, planted };
  return [
    ...[...reviewingStories, ...classStories, ...testingStories, ...mergingStories].map((one) => tellPull(stage, one)),
    ...releasingStories.map((one) => tellRelease(stage, one)),
    ...oversteppingStories.map((one) => tellPull(stage, one)),
  ];
}
