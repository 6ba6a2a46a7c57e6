import type { Model } from "@remit/core";
import { smallest } from "./smallest.ts";

/** Never acts: every agent answers the smallest thing that its contract allows, and no tool is ever asked for. */
export function noopModel(): Model {
  return {
    id: "scripted:noop",
    cost: "zero",
    generate: ({ outputSchema }) => ({ parts: [{ type: "output", value: smallest(outputSchema) }] }),
  };
}
