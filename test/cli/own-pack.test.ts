import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { claimsDesk as example, project } from "./project.ts";
import { folder, remit, remitHere } from "./remit.ts";

/** Packs of a person's own: a module that the command is given, in a folder where it finds the packages. */

/** Suites of the folder, newest first, as `list` tells them. */
async function listed(cwd: string) {
  const { stdout } = await remitHere(cwd, ["list", "--json"]);
  return JSON.parse(stdout) as {
    readonly suites: readonly { readonly id: string; readonly pack: object }[];
    readonly runs: readonly { readonly runId: string; readonly scenario: string; readonly status: string }[];
  };
}

function changed(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

describe("a pack of one's own", () => {
  const pack = join(example, "pack.ts");

  test("is played, each scenario over a state of its own, and replayed from its journal alone", async () => {
    const cwd = folder();
    const played = await remitHere(cwd, ["run", pack, "--json"]);
    expect([played.code, played.stderr]).toEqual([0, ""]);
    const { totals, suites } = JSON.parse(played.stdout);
    expect(totals).toMatchObject({ passed: 3, failed: 0 });
    expect(suites[0].scenarios.map(({ name }: { name: string }) => name)).toEqual([
      "a-broken-window",
      "more-than-is-covered",
      "somebody-says-no",
    ]);
    expect((await listed(cwd)).suites[0]?.pack).toMatchObject({ name: "claims", module: { file: pack } });
    const replayed = await remitHere(cwd, ["replay", "--all"]);
    expect([replayed.code, replayed.stdout]).toEqual([0, expect.stringContaining("3 of 3 runs hold")]);
  });

  test("is listed, drawn and checked without being played", async () => {
    const cwd = folder();
    const scenarios = await remitHere(cwd, ["list", pack, "--scenarios", "--json"]);
    expect(JSON.parse(scenarios.stdout).scenarios).toHaveLength(3);
    expect((await remitHere(cwd, ["graph", pack])).stdout).toContain("pay_claim (write)");
    expect(await remitHere(cwd, ["check", pack, "--strict"])).toMatchObject({ code: 0, stderr: "" });
  });

  test.each(["noisy", "noop"])("with the model %s nothing forbidden happens", async (model) => {
    const played = await remitHere(folder(), [
      "run",
      pack,
      "--model",
      model,
      "--seed",
      "1..3",
      "--json",
      "--no-report",
    ]);
    expect(played.code).toBe(0);
    expect(JSON.parse(played.stdout).suites.flatMap((one: { violations: string[] }) => one.violations)).toEqual([]);
  });

  test("is recorded, and its recording answers for the models", async () => {
    const cwd = folder();
    await remitHere(cwd, ["run", pack, "--record", "tape", "--no-report"]);
    const again = await remitHere(cwd, ["run", pack, "--replay", "tape", "--json", "--no-report"]);
    expect([again.code, JSON.parse(again.stdout).totals.passed]).toEqual([0, 3]);
  });

  test("plays other scenarios in place of its own", async () => {
    const cwd = folder();
    const own = join(cwd, "own.yaml");
    const text = readFileSync(join(example, "scenarios/03-somebody-says-no.yaml"), "utf8");
    writeFileSync(own, text.replace("name: somebody-says-no", "name: of-my-own"));
    const played = await remitHere(cwd, ["run", pack, "--scenarios", own, "--json", "--no-report"]);
    expect(JSON.parse(played.stdout).suites[0].scenarios).toMatchObject([{ name: "of-my-own", ok: true }]);
    expect((await remitHere(cwd, ["replay", "--all"])).code).toBe(0);
    writeFileSync(own, text.replace("- assess:", "- asses:"));
    const wrong = await remitHere(cwd, ["run", pack, "--scenarios", own]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("did you mean assess?")]);
  });

  test("goes on in another process: what waits is decided, over the state that was", async () => {
    const cwd = folder();
    const run = ["run", pack, "--filter", "covered", "--approver", "none", "--no-report"];
    expect((await remit(cwd, run)).code).toBe(0);
    const approve = ["approvals", "approve", "more-than-is-covered", "--reason", "seen", "--as", "operator:jo"];
    const first = await remit(cwd, [...approve, "--json"]);
    expect(JSON.parse(first.stdout)).toMatchObject({ by: { id: "jo" }, run: { status: "parked" } });
    const second = await remit(cwd, [...approve, "--json"]);
    expect(JSON.parse(second.stdout)).toMatchObject({ run: { status: "completed" } });
    // Looked at by a third process, which has neither state and does the one payment again over a new one.
    const third = await remit(cwd, ["resume", "--json"]);
    expect(third.code).toBe(0);
    const [suite] = (await listed(cwd)).suites;
    const log = readFileSync(join(cwd, ".remit/worlds", suite?.id ?? "", "more-than-is-covered.jsonl"), "utf8");
    const outcomes = log
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).outcome);
    expect(outcomes).toEqual(["done", "refused", "done"]);
  });

  test("what is done again must come out as it did", async () => {
    const own = project();
    const cwd = folder();
    const desk = join(own, "desk.ts");
    writeFileSync(
      join(own, "scenarios/04-in-two-parts.yaml"),
      readFileSync(join(own, "scenarios/01-a-broken-window.yaml"), "utf8")
        .replace("a-broken-window", "in-two-parts")
        .replace("A household", "In two parts a household")
        .replace(
          / {2}- pay: \{ calls.*\n/,
          "$&  - pay: { calls: { pay_claim: { claimId: C-100, amountCents: 500 } } }\n",
        ),
    );
    await remit(cwd, ["run", join(own, "pack.ts"), "--filter", "in-two", "--approver", "none", "--no-report"]);
    const approve = ["approvals", "approve", "in-two-parts", "--reason", "seen", "--json"];
    expect((await remit(cwd, approve)).code).toBe(0);
    // The same names and schemas, so the same team; another payment id.
    changed(desk, "paymentId: `P-", "paymentId: `Q-");
    const { code, stdout } = await remit(cwd, approve);
    expect([code, JSON.parse(stdout).error.code]).toEqual([2, "world/log-diverged"]);
  });
});

describe("what is wrong with a pack's file is told with the file and the reason", () => {
  const told = async (args: readonly string[]) => {
    const { code, stdout } = await remitHere(folder(), [...args, "--json"]);
    return { code, error: JSON.parse(stdout).error as { code: string; message: string; hint: string } };
  };

  test.each([
    ["nothing.ts", undefined, "pack/file-missing", "there is no pack file at"],
    ["broken.ts", "export default {", "pack/not-loadable", "broken.ts cannot be loaded"],
    ["syntax.ts", "const is = {\n  wrong: ,\n};", "pack/not-loadable", "syntax.ts:"],
    [
      "none.ts",
      'export default definePack({ name: "x", team: claimsDesk(openBooks()), scenarios: [] });',
      "usage/wrong",
      "x has no scenarios",
    ],
    ["throws.ts", 'throw new Error("no database")', "pack/not-loadable", "no database"],
    ["empty.ts", "export const pack = 7;", "pack/not-exported", "exports no pack"],
    [
      "name.ts",
      'export default definePack({ name: "../x", team: {} as never, scenarios: [] });',
      "pack/name-invalid",
      "../x",
    ],
    [
      "team.ts",
      'export default definePack({ name: "x", team: () => ({}) as never, scenarios: [] });',
      "pack/failed",
      "no supervisor",
    ],
    [
      "world.ts",
      'export default definePack({ name: "x", world: () => { throw new Error("no books"); }, team: claimsDesk, scenarios: [] });',
      "pack/failed",
      "`world` of the pack x failed: no books",
    ],
    [
      "scenario.ts",
      'export default definePack({ name: "x", world: openBooks, team: claimsDesk, scenarios: defineScenario({ name: "../y", input: {}, script: [] }) });',
      "scenario/name-invalid",
      "../y",
    ],
    [
      "none.ts",
      'export default definePack({ name: "x", world: openBooks, team: claimsDesk, scenarios: "./nowhere" });',
      "scenario/file-missing",
      "nowhere",
    ],
  ])("%s", async (name, text, code, words) => {
    const own = project();
    const head =
      'import { defineScenario } from "@remit/core/testing";\nimport { definePack } from "@remit/sandbox";\nimport { claimsDesk, openBooks } from "./desk.ts";\nvoid [defineScenario, definePack, claimsDesk, openBooks];\n';
    if (text !== undefined) writeFileSync(join(own, name), `${head}${text}\n`);
    const { code: exit, error } = await told(["run", join(own, name)]);
    expect([exit, error.code]).toEqual([2, code]);
    expect(error.message).toContain(words);
    expect(error.hint).not.toBe("");
  });

  test("a suite whose pack is gone or another one says so, and is shown all the same", async () => {
    const own = project();
    const cwd = folder();
    const pack = join(own, "pack.ts");
    await remit(cwd, ["run", pack, "--approver", "none", "--no-report"]);

    rmSync(join(own, "scenarios/03-somebody-says-no.yaml"));
    const fewer = await remit(cwd, ["resume", "--json"]);
    expect(JSON.parse(fewer.stdout).error).toMatchObject({
      code: "pack/changed",
      message: expect.stringContaining('no scenario "somebody-says-no"'),
    });
    changed(join(own, "desk.ts"), "Pay what is due, once", "Pay");
    for (const args of [
      ["resume"],
      ["replay", "--all"],
      ["approvals", "approve", "a-broken-window", "--reason", "x"],
    ]) {
      const { code, stdout } = await remit(cwd, [...args, "--json"]);
      expect(code).toBe(2);
      expect(JSON.parse(stdout).error).toMatchObject({
        code: "pack/changed",
        message: expect.stringContaining(`${pack} is not what its suite was played with`),
        // A process that was there before the edit holds what the file was.
        hint: expect.stringContaining("A console goes by the files as they were"),
      });
    }
    rmSync(pack);
    const gone = await remit(cwd, ["resume", "--json"]);
    expect(JSON.parse(gone.stdout).error).toMatchObject({ code: "pack/file-missing" });
    expect((await remit(cwd, ["show", "a-broken-window", "--brief"])).code).toBe(0);
  });
});
