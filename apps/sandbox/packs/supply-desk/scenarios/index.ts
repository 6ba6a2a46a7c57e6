import { supplyDeskWorld } from "../world.ts";
import { boundStories } from "./bounds.ts";
import { endingStories } from "./ending.ts";
import { oversteppingStories } from "./overstepping.ts";
import { plainStories } from "./plain.ts";
import { type Told, tell } from "./story.ts";
import { vendorStories } from "./vendors.ts";

/** All scenarios of the desk, with what must be true of its records at their ends. */
export function supplyStories(): readonly Told[] {
  const world = supplyDeskWorld();
  const stage = { world, start: world.initial() };
  return [...plainStories, ...boundStories, ...vendorStories, ...endingStories, ...oversteppingStories].map((story) =>
    tell(stage, story),
  );
}
