import type { Library } from "../library.ts";
import { operationsDeskWorld } from "../world.ts";
import { endingStories } from "./ending.ts";
import { oversteppingStories } from "./overstepping.ts";
import { plainStories } from "./plain.ts";
import { readingStories } from "./reading.ts";
import { type Told, tell } from "./story.ts";

/** All scenarios of the desk, with what must be true of its infrastructure at their ends. */
export function operationsStories(library: Library): readonly Told[] {
  const world = operationsDeskWorld();
  const stage = { library, world, start: world.initial() };
  return [...plainStories, ...readingStories, ...endingStories, ...oversteppingStories].map((story) =>
    tell(stage, story),
  );
}
