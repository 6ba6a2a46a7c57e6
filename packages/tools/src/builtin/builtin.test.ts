import type { Clock, ToolContext } from "@remit/core";
import { expect, test } from "vitest";
import { invokeTool } from "../invoke.ts";
import { calculate } from "./calculate.ts";
import { currentTime } from "./current-time.ts";

const context: ToolContext = {
  signal: new AbortController().signal,
  idempotencyKey: "",
  tenant: "t",
  runId: "r",
  agent: "a",
  path: "a#1/tool#1",
  attempt: 1,
  attributes: {},
};
const clock: Clock = { now: () => Date.UTC(2026, 2, 1, 23, 30), at: () => ({ cancel: () => {} }) };

test("calculate answers, and refuses what is no expression", async () => {
  expect(await invokeTool(calculate, { expression: "19.99 * 3" }, context)).toEqual({
    status: "returned",
    output: { value: 59.97 },
  });
  expect(await invokeTool(calculate, { expression: "process.exit()" }, context)).toEqual({
    status: "refused",
    message: 'character 8, ".", has no meaning here',
  });
});

test("current_time reads the clock it was given", async () => {
  const tool = currentTime({ clock });
  expect(await invokeTool(tool, { timeZone: "Asia/Kolkata" }, context)).toEqual({
    status: "returned",
    output: {
      utc: "2026-03-01T23:30:00.000Z",
      local: "2026-03-02T05:00:00+05:30",
      weekday: "Monday",
      timeZone: "Asia/Kolkata",
      epochMs: 1772407800000,
    },
  });
  expect(await invokeTool(tool, {}, context)).toMatchObject({
    output: { local: "2026-03-01T23:30:00+00:00", weekday: "Sunday", timeZone: "UTC" },
  });
  expect(await invokeTool(tool, { timeZone: "Moon/Tranquility" }, context)).toEqual({
    status: "refused",
    message: 'there is no time zone "Moon/Tranquility"',
  });
});
