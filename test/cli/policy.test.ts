import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../architecture/module.ts";
import { folder, remit, remitHere } from "./remit.ts";

/** A person's own files, in a folder where they find the packages. */
let own: string;
const file = (name: string) => join(own, name);
beforeAll(() => {
  mkdirSync(join(root, ".remit"), { recursive: true });
  own = mkdtempSync(join(root, ".remit", "policy-"));
  writeFileSync(
    file("policy.ts"),
    `import { definePolicy } from "@remit/core";
import type { PolicyCase } from "@remit/core/testing";
export const policy = definePolicy({
  name: "strict",
  version: "2",
  rules: [
    { id: "work", on: ["handoff", "model", "egress", "message"], effect: "allow", because: "they work" },
    { id: "reads", on: "tool", effect: "allow", when: ({ effect }) => effect === "read", because: "reads are free" },
  ],
});
export const cases: readonly PolicyCase[] = [
  { name: "a read", request: { edge: "tool", effect: "read" }, expect: "allow" },
  { name: "a write", request: { edge: "tool", effect: "write" }, expect: "deny" },
];
export const failing = 1;
`,
  );
  writeFileSync(file("good.cedar"), `permit(principal == Agent::"triage", action, resource);\n`);
  writeFileSync(
    file("typo.cedar"),
    `permit(principal, action, resource);\nforbid(principal == Agent::"triag", action, resource);\n`,
  );
});
afterAll(() => rmSync(own, { recursive: true, force: true }));

describe("policy", () => {
  test("test asks a module's cases, without a model", async () => {
    const ended = await remitHere(folder(), ["policy", "test", file("policy.ts")]);
    expect(ended).toMatchObject({ code: 0, stdout: "✓ 2 of 2 cases hold\n", stderr: "" });
  });

  test("check names the line of what a Cedar policy says of nobody", async () => {
    const bad = await remitHere(folder(), ["policy", "check", file("typo.cedar")]);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/error {3}2:\d+ .*triag/);
    const good = await remitHere(folder(), ["policy", "check", file("good.cedar"), "--json"]);
    expect(good.code).toBe(0);
    const { findings } = JSON.parse(good.stdout) as { findings: { code: string; data: { agent: string } }[] };
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(["check/policy-never-allows"]));
    expect(findings.every(({ data }) => data.agent !== "triage")).toBe(true);
  });

  test("diff shows which decisions of past runs would be others", async () => {
    const cwd = folder();
    expect((await remit(cwd, ["run", "--filter", "refund", "--no-report"])).code).toBe(0);
    const told = await remitHere(cwd, ["policy", "diff", "--policy", file("policy.ts"), "--json"]);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    const document = JSON.parse(told.stdout) as {
      changes: number;
      skipped: unknown[];
      runs: { changes: { edge: string; was: { effect: string }; would: { effect: string } }[] }[];
    };
    expect(document.skipped).toEqual([]);
    expect(document.changes).toBeGreaterThan(0);
    for (const { edge, was, would } of document.runs.flatMap(({ changes }) => changes)) {
      expect([edge, was.effect, would.effect]).toEqual(["tool", "allow", "deny"]);
    }
    const lines = await remitHere(cwd, ["policy", "diff", file("policy.ts")]);
    expect(lines.stdout).toMatch(/action · tool \w+: allow → deny \(allowlist → no-rule: no rule allows it\)/);
    expect(lines.stdout).toMatch(/decisions of \d+ would change/);
  });
});
