import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { operator } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { finds, makeCaller } from "../contract/engine-agency.ts";
import { turns } from "../contract/engine-desk.ts";
import { input, start, tenant } from "../contract/engine-kit.ts";

/** Two teams in processes of their own over one file, one of which is killed where it hurts. */

const program = fileURLToPath(new URL("./fixtures/agency-child.ts", import.meta.url));
let folder: string;
const undo: (() => void | Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-agency-"));
});
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
  rmSync(folder, { recursive: true, force: true });
});

function child(...words: readonly string[]) {
  const [order = "", ...rest] = words;
  const process_ = spawn(process.execPath, ["--conditions=@remit/source", program, order, folder, ...rest], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = new Promise<void>((resolve) => process_.once("exit", () => resolve()));
  const kill = async () => {
    process_.kill("SIGKILL");
    await gone;
  };
  undo.push(kill);
  const lines: { readonly at: string; readonly isFirst?: boolean; readonly run?: string }[] = [];
  createInterface({ input: process_.stdout }).on("line", (line) => void lines.push(JSON.parse(line)));
  const saw = async (at: string) => {
    await expect.poll(() => lines.some((line) => line.at === at)).toBe(true);
    return lines.find((line) => line.at === at);
  };
  return { saw, kill, go: () => process_.stdin.write("go\n"), lines };
}

function caller() {
  const engine = sqliteEngine({ path: join(folder, "runs.db") });
  undo.push(() => engine.close());
  return makeCaller({ engine, model: turns({ triage: [finds("7")] }) });
}

const payments = () => readdirSync(folder).filter((name) => name.startsWith("paid-"));

test("R7 a specialist that is killed behind its write goes on in the next process: paid once, and its caller hears it", async () => {
  const first = child("serve");
  await first.saw("ready");
  const desk = caller();
  const run = await desk.start(input, start);
  expect(await first.saw("paid")).toMatchObject({ isFirst: true });
  await first.kill();
  const second = child("serve");
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
  // The same key again, so the same payment.
  expect(second.lines).toContainEqual({ at: "paid", isFirst: false });
  expect(payments()).toHaveLength(1);
  expect((await desk.replay(run.id, { tenant })).fault).toBeUndefined();
});

test("a caller that is killed while its specialist waits for a person gets the one answer when it is back", async () => {
  const agency = child("serve", "high");
  await agency.saw("ready");
  const first = child("call");
  const { run: runId = "" } = (await first.saw("called")) ?? {};
  const desk = caller();
  const cases = () => desk.approvals.list({ tenant });
  await expect.poll(async () => (await cases()).length).toBe(1);
  await first.kill();
  const [open] = await cases();
  await desk.resume();
  const run = await desk.find(runId, { tenant });
  // The word goes where the specialist is, by the journal.
  const boss = { principal: operator("boss"), reason: "fine" };
  expect(await desk.approvals.approve(tenant, open?.address ?? "", boss)).toMatchObject({ outcome: "granted" });
  await agency.saw("paid");
  agency.go();
  expect(await run.result()).toMatchObject({ status: "completed", output: { done: "7" } });
  expect(payments()).toHaveLength(1);
  const sent = (await run.entries()).filter(({ type }) => type === "delegation.sent");
  expect(sent).toHaveLength(1);
});
