import { expect, test } from "vitest";
import type { Logger } from "../port/logger.ts";
import { emails } from "./emails.test.data.ts";
import { redactFields, redactingLogger } from "./onlookers.ts";

test("a line shows nothing of what is found: in texts, in names of members, in errors, however deep", () => {
  const lines: unknown[] = [];
  const note: Logger["info"] = (fields) => void lines.push(fields);
  const logger = redactingLogger({ debug: note, info: note, warn: note, error: note }, [emails]);
  let deep: object = { to: "ada@example.org" };
  for (let depth = 0; depth < 40; depth++) deep = depth % 2 === 0 ? { deep } : [deep];
  logger.warn(
    { reason: "no box ada@example.org", byBox: { "ada@example.org": 2 }, thrown: new Error("ada@example.org"), deep },
    "a line",
  );
  expect(JSON.stringify(lines)).not.toContain("ada@");
  expect(lines).toMatchObject([{ reason: "no box [email]", byBox: { "[email]": 2 } }]);
});

test("what holds itself comes to an end, and what holds nothing is the same", () => {
  const fields: Record<string, unknown> = { runId: "run_1", of: [1, { two: "2" }] };
  expect(redactFields(fields, [emails])).toBe(fields);
  fields.own = fields;
  fields.to = "ada@example.org";
  expect(redactFields(fields, [emails])).toEqual({ ...fields, to: "[email]", own: "[circular]" });
});
