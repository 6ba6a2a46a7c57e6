import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../architecture/module.ts";
import { folder, remit, remitHere } from "./remit.ts";

/** A program of a person's own, in a folder where it finds the packages. */
let desk: string;
beforeAll(() => {
  mkdirSync(join(root, ".remit"), { recursive: true });
  const own = mkdtempSync(join(root, ".remit", "check-"));
  desk = join(own, "desk.ts");
  writeFileSync(
    desk,
    `import { type CheckOptions, defineAgent, defineHandoff, defineSupervisor } from "@remit/core";
import { z } from "zod";
const text = z.object({ text: z.string() });
const role = <const Name extends string>(name: Name) =>
  defineAgent({ name, description: "Passes on.", model: "m", tools: [], asks: ["operator"], input: text, output: text, instructions: "Go." });
const [first, last] = [role("first"), role("last")];
const handoffs = [defineHandoff({ from: first, to: last, map: (output) => output })];
export const sound = defineSupervisor({ name: "sound", agents: { first, last }, entry: "first", exit: "last", handoffs });
export const flawed = { definition: defineSupervisor({ name: "flawed", agents: { first, last }, entry: "first", exit: ["first", "last"], handoffs }) };
export const checkOptions: CheckOptions = { audiences: ["customer"] };
`,
  );
});
afterAll(() => rmSync(join(desk, ".."), { recursive: true, force: true }));

describe("check", () => {
  test.each(["order-desk", "files-desk"])(
    "the pack %s has no finding, and no server is started for it",
    async (pack) => {
      const cwd = folder();
      const ended = await remitHere(cwd, ["check", pack, "--strict"]);
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      expect(ended.stdout).toBe(`✓ ${pack}: 0 errors, 0 warnings · 5 agents looked at\n`);
      expect(existsSync(join(cwd, ".remit"))).toBe(false);
    },
  );

  const retail = process.env.REMIT_DATA_DIR ?? join(root, "..", "shared", "data");
  const data = join(retail, "tau2-retail");
  test.skipIf(!existsSync(data))(
    "nor has the published retail domain (skipped where REMIT_DATA_DIR is absent)",
    async () => {
      expect(await remit(folder(), ["check", "--tau2", data, "--strict"])).toMatchObject({ code: 0, stderr: "" });
    },
  );

  const telecom = join(retail, "tau2-telecom");
  test.skipIf(!existsSync(telecom))(
    "nor has the published telecom domain (skipped where REMIT_DATA_DIR is absent)",
    async () => {
      expect(await remit(folder(), ["check", "--tau2", telecom, "--strict"])).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test("a file's supervisors are each told with what was found, where and what to do, and the exit code is 1", async () => {
    const { code, stdout, stderr } = await remitHere(folder(), ["check", desk]);
    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout).toContain(`error   check/exit-shadowed
  "first" is an exit and never ends a run: its edge "first->last" always fits
  flawed → first
  Give that edge a \`when\` or a \`max\`, or take the agent out of \`exit\`.
`);
    expect(stdout).toContain("✗ sound: 2 errors, 0 warnings");
    expect(stdout).toContain("✗ flawed: 3 errors, 0 warnings");
    expect(stdout.match(/check\/asks-nobody/g)).toHaveLength(4);
  });

  test("--json prints one document with the findings as data; --versions asks for more", async () => {
    const ended = await remitHere(folder(), ["check", desk, "--json", "--versions"]);
    const document = JSON.parse(ended.stdout);
    expect(ended.code).toBe(1);
    expect(document).toMatchObject({ command: "check", ok: false, exitCode: 1 });
    const codes = document.supervisors.map(
      ({ supervisor, findings }: { supervisor: string; findings: { code: string }[] }) => [
        supervisor,
        findings.map(({ code }) => code),
      ],
    );
    expect(Object.fromEntries(codes)).toEqual({
      sound: ["check/asks-nobody", "check/asks-nobody", "check/version-missing"],
      flawed: ["check/asks-nobody", "check/asks-nobody", "check/exit-shadowed", "check/version-missing"],
    });
    expect(document.supervisors[0].findings[0]).toEqual({
      code: "check/asks-nobody",
      severity: "error",
      path: expect.any(Array),
      message: expect.stringContaining('puts questions to the "operator"'),
      hint: expect.any(String),
      data: { by: "first", audience: "operator" },
    });
  });

  test.each([
    ["a file that is not there", "./nowhere.ts", "there is no file at"],
    ["a pack that is not there", "nowhere", "there is no pack"],
  ])("%s is wrong usage", async (_, wanted, says) => {
    const { code, stderr } = await remitHere(folder(), ["check", wanted]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });
});
