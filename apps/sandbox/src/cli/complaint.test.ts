import { readFileSync } from "node:fs";
import { OrchestrationError } from "@remit/core";
import { expect, test } from "vitest";
import { complaintLines, complaintOf } from "./complaint.ts";

const npm = (words: string) => `npm start -- ${words}`;

test("an error of any package tells its code once, its hint in the person's own commands, and the places", () => {
  const issues = Array.from({ length: 7 }, (_, index) => ({ pointer: `/${index}`, message: "wrong" }));
  const error = new OrchestrationError("tool/input-invalid", { tool: "x", issues });
  expect(complaintLines(complaintOf(error), npm)).toEqual([
    'remit: tool/input-invalid: the arguments of "x" do not fit its input schema',
    ...[0, 1, 2, 3, 4].map((index) => `  /${index}: wrong`),
    "  … and 2 more",
    "  Compare `data.issues` with the tool's input schema.",
  ]);
  const hinted = { ...complaintOf(error), hint: "`remit list` shows them.", issues: [] };
  expect(complaintLines(hinted, npm)[1]).toBe("  `npm start -- list` shows them.");
});

test("what the system refuses is no defect; anything else unknown is", () => {
  let refusal: unknown;
  try {
    readFileSync("/nowhere/at/all");
  } catch (thrown) {
    refusal = thrown;
  }
  expect(complaintOf(refusal)).toMatchObject({
    code: "system/refused",
    message: expect.stringContaining("/nowhere/at/all"),
    hint: expect.stringContaining("Check the path"),
    unforeseen: false,
  });
  expect(complaintOf(new TypeError("x is not a function"))).toMatchObject({
    code: "sandbox/unforeseen",
    unforeseen: true,
  });
  expect(complaintOf("just text")).toMatchObject({ message: "just text", unforeseen: true });
});

test("what a file, a server or a model has said in it cannot move the cursor", () => {
  const said = "no \u001b[2J such\n\u202efile";
  const complaint = { code: "a/b", message: said, hint: said, issues: [said], unforeseen: false };
  const shown = "no ␛[2J such <202e>file";
  expect(complaintLines(complaint, npm)).toEqual([`remit: a/b: ${shown}`, `  ${shown}`, `  ${shown}`]);
});
