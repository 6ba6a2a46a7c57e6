import { expect, test } from "vitest";
import type { Entry } from "../event.ts";
import { effectsOf } from "./effects.ts";

const settled = (body: object, outcome: object): Entry[] => {
  const entry = { seq: 1, at: 0, tenant: "acme", run: "run_1", path: "clerk#1/tool#1" };
  return [
    { ...entry, type: "effect.intended", body },
    { ...entry, seq: 2, type: "effect.settled", body: outcome },
  ] as unknown as Entry[];
};

test("an effect whose body was erased is not listed: nothing is known of it", () => {
  const effect = "clerk#1/tool#1";
  const proposed = { effect, agent: "clerk", tool: "pay", input: { cents: 7 }, risk: "low" };
  expect(effectsOf(settled(proposed, { effect, outcome: "done" }), new Map())).toEqual([
    { ...proposed, outcome: "done" },
  ]);
  expect(effectsOf(settled({}, {}), new Map())).toEqual([]);
});
