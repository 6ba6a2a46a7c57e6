import { type AnyAgent, approvalPacket, effectCase, effectVerdict } from "@remit/core";
import { expect, test } from "vitest";
import { effectCompliance } from "./effect-compliance.ts";
import { effectReviewer } from "./effect-reviewer.ts";

const judges: readonly AnyAgent[] = [effectCompliance, effectReviewer];

test("the ready-made judges take the kernel's case, and give its verdict and its packet", () => {
  expect(judges.map(({ input }) => input as unknown)).toEqual([effectCase, effectCase]);
  expect(judges.map(({ output }) => output as unknown)).toEqual([effectVerdict, approvalPacket]);
});

test("the ready-made judges may only read, ask nobody and hold nothing", () => {
  for (const { name, effects, asks, tools, model } of judges) {
    expect({ name, effects, asks, tools, model }).toEqual({
      name,
      effects: "read",
      asks: [],
      tools: [],
      model: "careful",
    });
  }
  expect(judges.map(({ name }) => name)).toEqual(["effectCompliance", "effectReviewer"]);
});
