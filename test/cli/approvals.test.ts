import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Ended, folder, remit, remitHere } from "./remit.ts";

/** A test is half a dozen processes, each with a server of its own: on a busy machine that takes its time. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** A suite in which nobody approves, played once; each test works on a copy. */
let home: string;
let played: Ended;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "remit-cli-"));
  played = await remit(home, ["run", "--filter", "refund", "--approver", "none", "--json", "--no-report"]);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function copyOfHome(): string {
  const copy = folder();
  cpSync(home, copy, { recursive: true });
  return copy;
}

const parsed = ({ stdout }: Ended) => JSON.parse(stdout);
const waiting = async (cwd: string) => parsed(await remitHere(cwd, ["approvals", "list", "--json"])).approvals;

describe("nobody approves", () => {
  test("no gated write happens, its runs wait, and that is no failure", () => {
    const { totals, exitCode, suites } = parsed(played);
    expect([played.code, exitCode]).toEqual([0, 0]);
    expect(totals).toMatchObject({ failed: 0, writes: 0, violations: 0, approvals: {} });
    expect(totals.waiting).toBeGreaterThan(3);
    expect(totals.waiting + totals.passed).toBe(totals.runs);
    expect(suites[0].waiting).toBe(totals.waiting);
  });

  test("resumed with an approver, all of them come to their right ends", async () => {
    const { totals } = parsed(await remit(copyOfHome(), ["resume", "--approver", "auto", "--json", "--no-report"]));
    expect(totals).toMatchObject({ failed: 0, waiting: 0, violations: 0 });
    expect(totals.writes).toBeGreaterThan(3);
    expect(totals.approvals).toMatchObject({ reject: 1, edit: 1, expire: 1 });
  });
});

describe("approvals", () => {
  test("a word that is neither a command nor a suite is told as both, with what may be meant", async () => {
    const complaint = async (...args: string[]) => (await remitHere(home, args)).stderr;
    const misspelt = 'there is no command "approvals lst", and no suite of that name; did you mean list?';
    expect(await complaint("approvals", "lst")).toContain(misspelt);
    const other = 'there is no command "approvals grant", and no suite of that name; there are list, show, approve,';
    expect(await complaint("approvals", "grant")).toContain(other);
    expect(await complaint("dead-letters", "shw")).toContain("did you mean show?");
    expect(await complaint("approvals", "list", "lst")).toContain("suite/unknown: there is no suite lst");
    expect((await remitHere(home, ["approvals", "order-desk"])).code).toBe(0);
  });

  test("list and show tell what there is to decide, and how", async () => {
    const [{ address, tool }] = await waiting(home);
    const { stdout } = await remitHere(home, ["approvals", "list"]);
    expect(stdout).toContain(address);
    expect(stdout).toMatch(/in 23 h 5\d min/);
    const shown = (await remitHere(home, ["approvals", "show", "lost-parcel"])).stdout;
    for (const text of [`${tool} waits for an approval`, "rule POL-REF-03", "role staff", "C-2009", "lost_parcel"]) {
      expect(shown).toContain(text);
    }
    expect(shown).toContain("Development mode");
    expect(shown).toMatch(/approvals approve run_\S+\/action#1\/tool#1 --reason/);
  });

  test("show names the role that may decide where it is not staff, so that what it prints can be done", async () => {
    const cwd = folder();
    await remit(cwd, ["run", "supply-desk", "--filter", "a-buyer-approves", "--approver", "none", "--no-report"]);
    const shown = (await remitHere(cwd, ["approvals", "show", "a-buyer-approves"])).stdout;
    const [, address = ""] = /approvals approve (\S+) --reason "…" --role buyer/.exec(shown) ?? [];
    const ended = await remit(cwd, ["approvals", "approve", address, "--reason", "it fits", "--role", "buyer"]);
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    expect(ended.stdout).toContain("completed");
  });

  test("an approval lets the run go on at once to its end, and the journal says who and that nobody checked it", async () => {
    const cwd = copyOfHome();
    const said = parsed(
      await remitHere(cwd, [
        "approvals",
        "approve",
        "lost-parcel",
        "--reason",
        "found none",
        "--as",
        "operator:jo",
        "--json",
      ]),
    );
    expect(said).toMatchObject({ ok: true, taken: { outcome: "granted" }, run: { status: "completed", waiting: [] } });
    const { entries } = parsed(await remitHere(cwd, ["show", said.run.run, "--json"]));
    const decided = entries.find(({ type }: { type: string }) => type === "approval.decided");
    expect(decided.body).toMatchObject({ reason: "found none", principal: { id: "jo", authenticated: false } });
    expect((await remitHere(cwd, ["show", said.run.run])).stdout).toContain(
      "approves refund_order [jo (unauthenticated)]",
    );
    expect((await remitHere(cwd, ["replay", said.run.run])).code).toBe(0);
    // Decided is decided.
    const again = await remitHere(cwd, ["approvals", "approve", said.taken.address, "--reason", "twice"]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("approval/none-waits") });
  });

  test("an edit waits again, for somebody else than who edited; a rejection ends the matter", async () => {
    const cwd = copyOfHome();
    const [open] = (await waiting(cwd)).filter(
      ({ input }: { input: { reason: string } }) => input.reason === "lost_parcel",
    );
    const input = JSON.stringify({ ...open.input, amountCents: 100 });
    const jo = ["--as", "operator:jo", "--json", "--reason", "less"];
    const edited = parsed(await remitHere(cwd, ["approvals", "edit", open.address, "--input", input, ...jo]));
    expect(edited).toMatchObject({ taken: { outcome: "edited" }, run: { status: "parked" } });
    const [next] = edited.run.waiting;
    expect(next).toBe(`${open.address}/edit#1`);
    expect(edited.taken.next).toBe(next);
    expect((await remitHere(cwd, ["approvals", "show", next])).stdout).toContain("/amountCents: 10880 → 100");
    const own = parsed(await remitHere(cwd, ["approvals", "approve", next, ...jo]));
    expect(own).toMatchObject({ ok: false, exitCode: 2, error: { code: "approval/self-approval" } });
    const kim = ["--as", "operator:kim", "--json", "--reason", "no"];
    const rejected = parsed(await remitHere(cwd, ["approvals", "reject", next, ...kim]));
    expect(rejected).toMatchObject({ taken: { outcome: "rejected" } });
    expect(rejected.run.waiting).toEqual([]);
  });
});

describe("what is sealed", () => {
  test("whoever may decide and has a role that is cleared is shown the arguments; others are told why not", async () => {
    const cwd = folder();
    await remitHere(cwd, ["run", "--filter", "lost-parcel", "--approver", "none", "--seal", "--no-report"]);
    const show = ["approvals", "show", "lost-parcel", "--reveal", "--as"];
    const shown = await remitHere(cwd, [...show, "operator:kim"]);
    expect(shown.stdout).toContain("nothing in its arguments is sealed");
    expect(parsed(await remitHere(cwd, [...show, "operator:kim", "--json"])).approval).toMatchObject({
      tool: "refund_order",
      revealed: [],
      withheld: [],
    });
    const clerk = await remitHere(cwd, [...show, "operator:kim", "--role", "clerk"]);
    expect(clerk).toMatchObject({ code: 2, stderr: expect.stringContaining("approval/role-missing") });
    const own = await remitHere(cwd, [...show, "user:C-2009", "--role", "staff"]);
    expect(own).toMatchObject({ code: 2, stderr: expect.stringContaining("approval/self-approval") });
  });
});

test("of many runs that a text stands for, the first are named, and that there are more", async () => {
  const { code, stderr } = await remitHere(home, ["show", "run_"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/run_ stands for \d+ runs: (run_\S+, ){5}…\n/);
});

describe("stepping in", () => {
  test("a misspelt tool or agent takes nothing away and is refused; judges and what undoes are agents", async () => {
    const cwd = copyOfHome();
    const why = ["--reason", "x"];
    const tool = await remitHere(cwd, ["restrict", "tool", "refund_ordre", ...why]);
    expect(tool).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no tool "refund_ordre"; it has .*refund_order/),
    });
    const agent = await remitHere(cwd, ["restrict", "agent", "acton", ...why]);
    expect(agent).toMatchObject({ code: 2, stderr: expect.stringMatching(/no agent "acton"; it has .*action/) });
    for (const name of ["effectCompliance", "compensation"])
      expect(await remitHere(cwd, ["restrict", "agent", name, ...why])).toMatchObject({ code: 0 });
  });

  test("a tool that is taken away is gone for a run that waits with it; given back, others may use it", async () => {
    const cwd = copyOfHome();
    const taken = await remitHere(cwd, ["restrict", "tool", "refund_order", "--reason", "provider down", "--json"]);
    expect(parsed(taken).restrictions).toMatchObject([{ target: { kind: "tool", name: "refund_order" } }]);
    const late = await remitHere(cwd, ["approvals", "approve", "lost-parcel", "--reason", "ok"]);
    expect(late).toMatchObject({ code: 2, stderr: expect.stringContaining("approval/unknown") });
    const { stdout } = await remitHere(cwd, ["show", "lost-parcel"]);
    expect(stdout).toContain("may not use refund_order any more");
    expect(stdout).toContain("policy/revoked");
    const lifted = parsed(await remitHere(cwd, ["lift", "tool", "refund_order", "--reason", "it is back", "--json"]));
    expect(lifted.restrictions).toEqual([]);
    expect(
      parsed(await remitHere(cwd, ["approvals", "approve", "late-delivery", "--reason", "ok", "--json"])),
    ).toMatchObject({
      run: { status: "completed" },
    });
  });

  test("a run, or one agent of it, is cancelled; what cannot be undone is said", async () => {
    const cwd = copyOfHome();
    const part = parsed(
      await remitHere(cwd, ["cancel", "late-delivery", "--subtree", "action#1", "--reason", "stop", "--json"]),
    );
    expect(part).toMatchObject({ subtree: "action#1", run: { status: "escalated", reason: "agent_failed" } });
    const whole = parsed(await remitHere(cwd, ["cancel", "lost-parcel", "--reason", "stop", "--json"]));
    expect(whole).toMatchObject({ run: { status: "cancelled", reason: "stop" } });
    const undo = await remitHere(cwd, ["compensate", "lost-parcel"]);
    expect(undo).toMatchObject({ code: 2, stderr: expect.stringContaining("run/not-undoable") });
  });

  test("a failed run is a letter: it is done again once, and put aside", async () => {
    const cwd = folder();
    await remitHere(cwd, ["run", "--filter", "reading-without-end", "--no-report"]);
    const { letters } = parsed(await remitHere(cwd, ["dead-letters", "list", "--json"]));
    expect(letters).toMatchObject([{ error: { code: "limits/exceeded" }, standing: [] }]);
    const redriven = parsed(await remitHere(cwd, ["dead-letters", "redrive", letters[0].run, "--json"]));
    expect(redriven).toMatchObject({ ok: true, run: { status: "failed" } });
    const put = await remitHere(cwd, ["dead-letters", "dismiss", redriven.as, "--reason", "known", "--json"]);
    expect(parsed(put)).toMatchObject({ ok: true });
    expect(parsed(await remitHere(cwd, ["dead-letters", "--json"])).letters).toEqual([]);
  });
});
