import type { Entry } from "@remit/core";
import { expect, test } from "vitest";
import { spendingOf } from "./spend.ts";

const at = { at: 0, path: "clerk#1", cause: 0 };
const command = "clerk#1/model#1";
const amount = { microUsd: 10, tokens: 100 };
const answered: Entry = {
  ...at,
  seq: 4,
  type: "model.responded",
  body: { command, model: "small", parts: [], cost: { microUsd: 4, basis: "reported" } },
};

test("a call counts at what its outcome tells, else at what was set aside for it; one that was lost counts beside its other try", () => {
  const first: Entry = { ...at, seq: 1, type: "budget.reserved", body: { command: `${command}/budget@1`, amount } };
  const lost: Entry = {
    ...at,
    seq: 2,
    cause: 1,
    type: "budget.settled",
    body: { command, agent: "clerk", amount, basis: "reserved" },
  };
  const again: Entry = { ...at, seq: 3, type: "budget.reserved", body: { command: `${command}/budget@2`, amount } };
  expect(spendingOf([[first, lost, again, answered]], 1_000)).toEqual({
    limitMicroUsd: 1_000,
    microUsd: 14,
    calls: 2,
    bases: { reserved: 1, reported: 1 },
    models: { "(answer lost)": { calls: 1, microUsd: 10 }, small: { calls: 1, microUsd: 4 } },
    refusedRuns: 0,
  });
});

test("where nothing was set aside a call is what was told of it, or unknown", () => {
  const { cost: _, ...mute } = answered.body as Entry<"model.responded">["body"];
  const untold: Entry = { ...at, seq: 5, type: "model.responded", body: { ...mute, command: "clerk#1/model#2" } };
  expect(spendingOf([[answered, untold]], undefined)).toEqual({
    microUsd: 4,
    calls: 2,
    bases: { reported: 1, unknown: 1 },
    models: { small: { calls: 2, microUsd: 4 } },
    refusedRuns: 0,
  });
});
