import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { remit, remitHere } from "./remit.ts";

/** A run is played, exported and checked, as a person would. */
const scenario = "a-tool-of-somebody-else";
let home: string;
const path = (name: string) => join(home, name);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "remit-audit-"));
  await remit(home, ["run", "--filter", scenario, "--no-report"]);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(path("key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(path("key.pub"), publicKey.export({ type: "spki", format: "pem" }));
}, 120_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("a run becomes a file that holds, and a file that was changed does not", async () => {
  const exported = await remitHere(home, [
    "audit",
    scenario,
    "--out",
    "run.jsonl",
    "--key",
    "key.pem",
    "--as",
    "operator:jo",
  ]);
  expect(exported.stderr).toBe("");
  expect(exported.code).toBe(0);
  expect(exported.stdout).toMatch(/^✓ run_\S+: \d+ lines in run\.jsonl · signed\n$/);
  const text = readFileSync(path("run.jsonl"), "utf8");
  expect(JSON.parse(text.split("\n")[0] ?? "").file).toMatchObject({
    format: "remit-evidence/1",
    status: "completed",
    policyVersion: "stops-1",
    exportedBy: { id: "jo", kind: "operator" },
  });

  const held = await remitHere(home, ["audit", "--verify", "run.jsonl", "--key", "key.pub"]);
  expect(held.code, held.stderr).toBe(0);
  expect(held.stdout).toMatch(/^✓ run_\S+ \d+ entries hold, (\d+) of \1 required entries are there\n/);

  writeFileSync(path("forged.jsonl"), text.replace("cancel_order", "cancel_ordes"));
  const forged = await remitHere(home, ["audit", "--verify", "forged.jsonl", "--json"]);
  expect(forged.code).toBe(1);
  expect(JSON.parse(forged.stdout)).toMatchObject({ ok: false, exitCode: 1, fault: { seq: expect.any(Number) } });

  const again = await remit(home, ["audit", scenario, "--out", "run.jsonl"]);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("system/refused") });
}, 120_000);

test("what is asked wrongly is 2", async () => {
  for (const [words, code] of [
    [["audit"], "usage/wrong"],
    [["audit", scenario, "--verify", "x"], "usage/wrong"],
    [["audit", "--verify", "none.jsonl"], "system/refused"],
    [["audit", scenario, "--key", "key.pub"], "audit/key-invalid"],
  ] as const) {
    expect(await remitHere(home, words)).toMatchObject({ code: 2, stderr: expect.stringContaining(code) });
  }
}, 120_000);
