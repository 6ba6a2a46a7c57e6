import { afterAll, afterEach, beforeAll } from "vitest";
import type { Nodes } from "../../scripts/restate/server.mjs";
import { engineContract, type engineThemes } from "../contract/engine.ts";
import { closeNode, openPlace, type Place, theNode } from "./place.ts";

/** The contract of every engine on a node of its own; its themes are spread over files, which run at the same time. */
export function clusterContract(only: typeof engineThemes): void {
  let nodes: Nodes;
  let place: Place | undefined;
  beforeAll(async () => {
    nodes = await theNode();
  });
  afterAll(closeNode);
  // Behind the kit's own: engines are closed by then.
  afterEach(async () => {
    await place?.clear();
    place = undefined;
  });
  engineContract(
    "restate",
    () => {
      place = openPlace(nodes);
      return place;
    },
    only,
  );
}
