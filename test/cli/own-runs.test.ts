import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Json, type Model, type RunRecord, runSupervisor, user } from "@remit/core";
import { sqliteEngine, sqliteJournal } from "@remit/core/sqlite";
import { fakeClock } from "@remit/core/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { claimsDesk, openBooks } from "../../apps/sandbox/examples/claims-desk/desk.ts";
import { project } from "./project.ts";
import { folder, type remit, remitHere, startRemit } from "./remit.ts";

/** The commands of operators, on the runs of a person's own application. */

const window = "Claim C-100: the hail broke our window.";

/** Lets the application begin a run; resolves with its id and how it stands. */
function started(own: string, text = window): { readonly run: string; readonly status: string } {
  const said = execFileSync(process.execPath, ["--conditions=@remit/source", "start.ts", text], {
    cwd: own,
    encoding: "utf8",
  });
  const [run = "", status = ""] = said.trim().split(" ");
  return { run, status };
}

const journalOf = (own: string) => join(own, "data/journal.db");

/** How the application's runs stand, by id. */
async function standing(own: string, tenant = "acme"): Promise<ReadonlyMap<string, RunRecord>> {
  const journal = sqliteJournal({ path: journalOf(own) });
  try {
    return new Map((await journal.listRuns({ tenant, most: 1_000 })).map((record) => [record.runId, record]));
  } finally {
    await journal.close();
  }
}

const lines = (own: string) => {
  const said = JSON.parse(readFileSync(join(own, "data/books.json"), "utf8")) as Record<string, { paidCents: number }>;
  return said["C-100"]?.paidCents;
};

async function told(own: string, args: readonly string[]) {
  const { code, stdout } = await remitHere(own, [...args, "--json"]);
  return { code, ...JSON.parse(stdout) };
}

describe("the runs of one's own application", () => {
  test("are listed, shown, decided on by somebody, replayed and exported", async () => {
    const own = project();
    expect((await told(own, ["runs", "list"])).error.code).toBe("own/journal-missing");
    expect(existsSync(journalOf(own))).toBe(false);
    const { run, status } = started(own);
    expect(status).toBe("parked");
    expect(await told(own, ["runs"])).toMatchObject({ tenants: ["acme"], runs: [{ runId: run, status: "parked" }] });
    expect((await remitHere(own, ["runs", "show", run, "--brief"])).stdout).toContain("acme");
    const waiting = await remitHere(own, ["approvals", "list", "--own"]);
    expect(waiting.stdout).toContain(`remit approvals show ${run}/pay#1/tool#1 --own`);
    const shown = await remitHere(own, ["approvals", "show", run, "--tenant", "acme"]);
    expect(shown.stdout).toContain(`remit approvals approve ${run}/pay#1/tool#1 --reason "…" --tenant acme`);

    const self = await told(own, ["approvals", "approve", run, "--own", "--reason", "mine", "--as", "user:u_17"]);
    expect(self.error.code).toBe("approval/self-approval");
    const approve = ["approvals", "approve", `${run}/pay#1/tool#1`, "--own", "--reason", "seen", "--as", "operator:jo"];
    expect(await told(own, approve)).toMatchObject({ taken: { outcome: "granted" }, run: { status: "completed" } });
    expect(lines(own)).toBe(18_000);
    const { entries } = await told(own, ["runs", "show", run]);
    const granted = entries.find(({ type }: { type: string }) => type === "approval.granted");
    expect(JSON.stringify(granted)).toContain('"jo"');

    expect(await told(own, ["runs", "replay", "--all"])).toMatchObject({ code: 0, runs: [{ run, ok: true }] });
    const exported = await told(own, ["runs", "audit", run, "--out", join(own, "run.jsonl")]);
    expect(exported.code).toBe(0);
    expect((await remitHere(own, ["audit", "--verify", join(own, "run.jsonl")])).code).toBe(0);
    // None of this is a suite's, and nothing was kept in the sandbox's folder.
    expect(existsSync(join(own, ".remit"))).toBe(false);
  });

  test("of these none goes on but the one that is decided on", async () => {
    const own = project();
    const { run } = started(own);
    const other = started(own).run;
    const { left, due } = await leftBehind(own);
    const before = await standing(own);
    expect([left, due].map((id) => before.get(id)?.status)).toEqual(["running", "parked"]);
    expect(before.get(due)?.wakeAt).toBeLessThan(Date.now());

    for (const args of [
      ["runs"],
      ["runs", "replay", other],
      ["approvals", "list", "--own"],
      ["dead-letters", "list", "--own"],
    ]) {
      expect((await remitHere(own, args)).code).toBe(0);
    }
    expect(await standing(own)).toEqual(before);
    const reject = ["approvals", "reject", run, "--own", "--reason", "not this one", "--as", "operator:jo"];
    expect(await told(own, reject)).toMatchObject({ run: { status: "completed" } });
    const after = await standing(own);
    for (const id of [other, left, due]) expect(after.get(id)).toEqual(before.get(id));
    expect(existsSync(join(own, "data/books.json"))).toBe(false);
  });

  test("one that another process may be driving is left to it, unless it shall be taken over", async () => {
    const own = project();
    const { left } = await leftBehind(own);
    const cancel = ["runs", "cancel", left, "--reason", "an incident", "--as", "operator:jo"];
    const refused = await told(own, cancel);
    expect([refused.code, refused.error.code]).toEqual([2, "own/run-under-way"]);
    expect(refused.error.hint).toContain("--take-over");
    expect((await standing(own)).get(left)?.status).toBe("running");
    expect(await told(own, [...cancel, "--take-over"])).toMatchObject({ code: 0, run: { status: "cancelled" } });
  });

  test("are cancelled by both names of the command", async () => {
    const own = project();
    const [one, two] = [started(own).run, started(own).run];
    expect((await told(own, ["runs", "cancel", one, "--reason", "x"])).run.status).toBe("cancelled");
    expect((await told(own, ["cancel", two, "--own", "--reason", "x"])).run.status).toBe("cancelled");
  });

  test("what is taken away is taken away from the application, and from what waits", async () => {
    const own = project();
    const { run } = started(own);
    const restricted = await told(own, ["restrict", "tool", "pay_claim", "--own", "--reason", "the bank is down"]);
    expect(restricted).toMatchObject({ tenant: "acme", restrictions: [{ target: { name: "pay_claim" } }] });
    const unknown = await told(own, ["restrict", "tool", "pay_clam", "--own", "--reason", "x"]);
    expect(unknown.error.message).toContain("get_claim, pay_claim");
    expect(started(own).status).toBe("completed");
    await told(own, ["approvals", "approve", run, "--own", "--reason", "seen"]);
    expect(existsSync(join(own, "data/books.json"))).toBe(false);
    const lifted = await told(own, ["lift", "tool", "pay_claim", "--tenant", "acme", "--reason", "it is back"]);
    expect(lifted.restrictions).toEqual([]);
  });

  test("what failed is looked at, done again and put aside", async () => {
    const own = project();
    const { run, status } = started(own, "a claim without a number");
    expect(status).toBe("failed");
    expect(await told(own, ["dead-letters", "--own"])).toMatchObject({ tenant: "acme", letters: [{ run }] });
    expect((await remitHere(own, ["dead-letters", "show", run, "--own"])).stdout).toContain(
      `remit dead-letters redrive ${run} --own`,
    );
    const again = await told(own, ["dead-letters", "redrive", run, "--own", "--as", "operator:jo"]);
    expect(again.run.status).toBe("failed");
    const aside = ["dead-letters", "dismiss", again.as, "--own", "--reason", "answered by mail"];
    expect((await told(own, aside)).code).toBe(0);
    expect((await told(own, ["dead-letters", "--own"])).letters).toEqual([]);
  });

  test("what was done is undone only where there is a way back; that is a run of its own", async () => {
    const own = project();
    const { run } = started(own);
    await told(own, ["approvals", "approve", run, "--own", "--reason", "seen"]);
    const { code, error } = await told(own, ["compensate", run, "--own"]);
    expect([code, error.code]).toEqual([2, expect.stringMatching(/^(run|tool|supervisor|compensation)\//)]);
  });

  test("are those of the tenant that is named", async () => {
    const own = project();
    started(own);
    expect((await told(own, ["runs", "list", "--tenant", "globex"])).runs).toEqual([]);
    const misspelt = ["restrict", "tool", "pay_claim", "--tenant", "amce", "--reason", "stocktaking", "--json"];
    const doubted = await remitHere(own, misspelt);
    expect([doubted.code, doubted.stderr.trim()]).toEqual([
      0,
      "No run of a tenant amce is kept here; did you mean acme?",
    ]);
    expect((await remitHere(own, ["runs", "list", "--tenant", "acme"])).stderr).toBe("");
    const other = await told(own, ["approvals", "list", "--tenant", "globex"]);
    expect(other).toMatchObject({ tenants: ["globex"], approvals: [] });
    expect((await told(own, ["approvals", "list", "globex", "--own"])).error.code).toBe("own/tenant-other");
  });
});

test("Ctrl-C leaves a run that goes on where it is: what was said is kept, and the application goes on with it", async () => {
  const own = project();
  const { run } = started(own);
  const config = join(own, "remit.config.ts");
  const before = readFileSync(config, "utf8");
  const hangs = `({ id: "hangs", cost: "zero" as const, generate: (_: unknown, { signal }: { signal: AbortSignal }) => {
    console.log("asked");
    return new Promise<never>((_done, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
  } })`;
  writeFileSync(config, before.replace("  models,", `  models: { fast: ${hangs} },`));
  const command = startRemit(own, ["approvals", "approve", run, "--own", "--reason", "seen", "--as", "operator:jo"]);
  await command.printed("asked");
  command.child.kill("SIGINT");
  const { code, stderr } = await command.ended;
  expect([code, stderr]).toEqual([130, expect.stringContaining(`own/left-under-way: ${run} was left under way`)]);
  expect((await standing(own)).get(run)?.status).toBe("running");
  expect(lines(own)).toBe(18_000);
  const engine = sqliteEngine({ path: journalOf(own) });
  onTestFinished(() => engine.close());
  const supervisor = runSupervisor(claimsDesk(openBooks()), { engine, models: { fast: said({ reply: "Paid." }) } });
  await supervisor.resume();
  const there = await supervisor.find(run, { tenant: "acme" });
  expect(await there.result()).toMatchObject({ status: "completed", output: { reply: "Paid." } });
  expect(lines(own)).toBe(18_000);
});

const said = (value: Json): Model => ({
  id: "said",
  cost: "zero",
  generate: () => ({ parts: [{ type: "output", value }] }),
});

describe("what is missing for it is told with its place", () => {
  test("a hint's command is about the same runs, and a word that is no command is told as that", async () => {
    const own = project();
    const { run } = started(own);
    const none = await remitHere(own, ["runs", "replay", "--all"]);
    expect(none).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^No run of acme has ended/) });
    expect((await told(own, ["runs", "replay", "--all"])).runs).toEqual([]);

    const complaint = async (...args: string[]) => (await remitHere(own, args)).stderr;
    await remitHere(own, ["approvals", "reject", run, "--own", "--reason", "no", "--as", "operator:jo"]);
    expect(await complaint("approvals", "show", run, "--own")).toContain("`remit approvals list --own` shows");
    const tenant = ["--tenant", "acme"];
    expect(await complaint("approvals", "show", run, ...tenant)).toContain(
      "`remit approvals list --tenant acme` shows",
    );
    expect(await complaint("runs", "show", "nope")).toContain("`remit runs list` shows");
    expect(await complaint("runs", "show", "nope", ...tenant)).toContain("`remit runs list --tenant acme` shows");

    const meant = 'there is no command "approvals lst", and no tenant of that name; did you mean list?';
    expect(await complaint("approvals", "lst", "--own")).toContain(meant);
    expect(await complaint("approvals", "list", "lst", "--own")).toContain("own/tenant-other");
  });

  test("no configuration", async () => {
    expect((await told(folder(), ["runs"])).error).toMatchObject({ code: "config/not-found" });
    expect((await told(folder(), ["approvals", "list", "--own"])).error).toMatchObject({ code: "config/not-found" });
  });

  test.each([
    ["", ["runs"], "own/tenant-missing", "which tenant"],
    ["", ["runs", "--tenant", "acme"], "config/member-missing", "`engine`"],
    ["tenants: 'acme', engine: { sqlite: journal }", ["runs", "show", "run_x"], "own/run-unknown", "of acme"],
    ["tenants: 'acme', engine: { sqlite: journal }", ["runs", "show", " "], "usage/wrong", "empty"],
    [
      "tenants: 'acme', engine: { sqlite: journal }",
      ["restrict", "list", "--own"],
      "config/member-missing",
      "`supervisors`",
    ],
    [
      "tenants: 'acme', engine: { sqlite: journal }, supervisors: { ...desk, name: 'other' }",
      ["approvals", "approve", "run_", "--own", "--reason", "x"],
      "own/supervisor-unknown",
      "no supervisor claims-desk",
    ],
    [
      "tenants: 'acme', engine: { sqlite: journal }, supervisors: desk",
      ["approvals", "approve", "run_", "--own", "--reason", "x"],
      "config/member-missing",
      "`models.fast`",
    ],
    [
      "tenants: 'acme', engine: { sqlite: journal }, supervisors: desk, models: () => { throw new Error('no key'); }",
      ["approvals", "approve", "run_", "--own", "--reason", "x"],
      "config/failed",
      "`models` failed: no key",
    ],
    [
      "tenants: 'acme', engine: () => { throw new Error('no cluster'); }, supervisors: desk",
      ["runs"],
      "config/failed",
      "`engine` failed: no cluster",
    ],
  ])("{ %s }: remit %j", async (members, args, code, words) => {
    const own = project();
    const { run } = started(own);
    writeFileSync(
      join(own, "remit.config.ts"),
      `import { defineConfig } from "@remit/sandbox";\nimport { desk, journal } from "./application.ts";\nvoid [desk, journal];\nexport default defineConfig({ ${members} });\n`,
    );
    const { error } = await told(own, args);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect((await standing(own)).get(run)?.status).toBe("parked");
  });
});

describe("supervisors are configured as the application has them", () => {
  test.each([
    [
      "a function that puts one to work",
      "supervisors: ({ engine, models }) => runSupervisor(desk, { engine, models }), models, engine: { sqlite: journal }",
    ],
    [
      "functions in a list, and an engine that a function opens",
      "supervisors: [({ engine }) => runSupervisor(desk, { engine, models })], engine: () => sqliteEngine({ path: journal })",
    ],
    [
      "one at work on an engine of its own",
      "supervisors: runSupervisor(desk, { engine: sqliteEngine({ path: journal }), models })",
    ],
    [
      "compiled, with models that a function gives",
      "supervisors: [desk], models: async () => models, engine: { sqlite: journal }",
    ],
  ])("%s", async (_, members) => {
    const own = project();
    const { run } = started(own);
    writeFileSync(
      join(own, "remit.config.ts"),
      `import { runSupervisor } from "@remit/core";\nimport { sqliteEngine } from "@remit/core/sqlite";\nimport { defineConfig } from "@remit/sandbox";\nimport { desk, journal, models } from "./application.ts";\nvoid [runSupervisor, sqliteEngine, models];\nexport default defineConfig({ tenants: ["acme"], ${members} });\n`,
    );
    expect((await told(own, ["dead-letters", "--own"])).letters).toEqual([]);
    const approve = ["approvals", "approve", run, "--own", "--reason", "seen", "--as", "operator:jo"];
    // A module is loaded once for all, and what it had opened is closed now: a command is a process.
    expect(await toldApart(own, approve)).toMatchObject({ run: { status: "completed" } });
    expect(lines(own)).toBe(18_000);
  });
});

async function toldApart(own: string, args: readonly string[]) {
  const { remit: apart } = await import("./remit.ts");
  const { stdout } = await (apart satisfies typeof remit)(own, [...args, "--json"]);
  return JSON.parse(stdout);
}

/** What a process that was killed has left: a run under way, and one that was to begin at a time that has passed. */
async function leftBehind(own: string): Promise<{ readonly left: string; readonly due: string }> {
  const early = fakeClock(Date.UTC(2026, 0, 1));
  const engine = sqliteEngine({ path: journalOf(own), clock: early });
  onTestFinished(() => engine.close());
  const asked = Promise.withResolvers<void>();
  const hangs: Model = {
    id: "hangs",
    cost: "zero",
    generate: (_, { signal }) => {
      asked.resolve();
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  const supervisor = runSupervisor(claimsDesk(openBooks()), { engine, models: { fast: hangs }, waitingRuns: "leave" });
  const who = { tenant: "acme", principal: user("u_17") };
  const due = await supervisor.start({ text: window }, { ...who, delayMs: 3_600_000 });
  await engine.idle();
  const left = await supervisor.start({ text: window }, who);
  await asked.promise;
  await engine.close();
  return { left: left.id, due: due.id };
}
