import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tinyFolders } from "../dojo/tiny-suite.test.data.ts";
import type { Screen } from "../face/screen.ts";
import { type AttackWish, runAttacks } from "./attacks.ts";
import type { Context } from "./context.ts";

const tinyFolder = tinyFolders(afterAll);

const played = async (
  options: AttackWish & { readonly model?: string; readonly approver?: string; readonly json?: boolean },
) => {
  const lines: string[] = [];
  const documents: unknown[] = [];
  const paint = new Proxy({}, { get: () => (text: string) => text });
  const out = { live: false, columns: 100, paint, print: (...more: string[]) => lines.push(...more), status: () => {} };
  const context = {
    place: { resolve: (path: string) => path },
    out: out as unknown as Screen,
    err: out as unknown as Screen,
    json: (document: unknown) => documents.push(document),
  } as unknown as Context;
  const code = await runAttacks(options, context);
  return { code, lines, documents };
};

test("the last four lines stand together for each approver, and the exit code says whether something got through", async () => {
  const { folder, policy } = tinyFolder();
  const { code, lines } = await played({
    agentdojo: folder,
    policy,
    approver: "ground-truth",
    template: "direct",
    encodings: "1",
  });
  expect(lines.slice(-4).map((line) => line.split(":")[0])).toEqual([
    "governed",
    "no governance",
    "do nothing",
    "perfect tool filter",
  ]);
  const [, effects] = /effects (\d+)\/2/.exec(lines.at(-4) ?? "") ?? [];
  expect(code).toBe(effects === "0" ? 0 : 1);
  const every = await played({ agentdojo: join(folder, "parcels"), policy, model: "oracle" });
  expect(every.lines.filter((line) => line.startsWith("approver ")).map((line) => line.split(":")[0])).toEqual([
    "approver blind",
    "approver none",
    "approver ground-truth",
  ]);
  expect(every.code).toBe(0);
});

test("with --json there is one document and no line", async () => {
  const { folder, policy } = tinyFolder();
  const { lines, documents } = await played({
    agentdojo: folder,
    policy,
    model: "oracle",
    approver: "none",
    json: true,
  });
  expect(lines).toEqual([]);
  expect(documents).toMatchObject([{ command: "run", ok: true, model: "oracle", suites: ["parcels"] }]);
});

test.each([
  [{ agentdojo: "a", asb: "b" }, "give one of --agentdojo and --asb"],
  [{ asb: "b", suite: "x" }, "--suite is for --agentdojo"],
  [{ agentdojo: "a", model: "noisy" }, '--model oracle or worst-case, not "noisy"'],
  [{ agentdojo: "a", approver: "auto" }, 'not "auto"'],
  [{ injecagent: "a", model: "oracle" }, '--model worst-case, not "oracle"'],
])("wrong usage %j is told", async (options, reason) => {
  await expect(played(options)).rejects.toMatchObject({
    code: "usage/wrong",
    message: expect.stringContaining(reason),
  });
});
