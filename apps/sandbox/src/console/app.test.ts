import { operator, osPrincipal, type Principal, user } from "@remit/core";
import { answers, asks, calls, fails, type Turn } from "@remit/core/testing";
import { describe, expect, test } from "vitest";
import { clerk, type Desk, desk, origin, port } from "./desk.test.data.ts";
import type { InboxView } from "./view/inbox.ts";
import type { LettersView } from "./view/letters.ts";
import type { RunsView } from "./view/runs.ts";

const pays = (amountCents = 500, orderId = "o-1"): Turn[] => [
  calls(clerk, "pay_out", { orderId, amountCents }),
  answers(clerk, { reply: "Done." }),
];
const waitingAt = async ({ get }: Desk): Promise<{ address: string; binding: string }> => {
  const { cases } = (await (await get("/api/inbox")).json()) as InboxView;
  const [first] = cases;
  if (!first) throw new Error("nothing waits");
  return { address: first.what.address, binding: first.what.binding };
};
const caseAt = (address: string, group = "north") => `/inbox/${group}/case?at=${encodeURIComponent(address)}`;
const textOf = async (answer: Response | Promise<Response>) => (await answer).text();

describe("runs", () => {
  test("of all groups, newest first, a page at a time, by status and by words", async () => {
    const all = desk({ script: Array.from({ length: 30 }, () => answers(clerk, { reply: "Hello." })) });
    for (let index = 0; index < 30; index++) {
      await all.start(`question-${index}`, index % 2 === 0 ? "tenant-north" : "tenant-south");
      all.clock.advance(1_000);
    }
    const listed = async (query: string) => (await (await all.get(`/api/runs?${query}`)).json()) as RunsView;
    const first = await listed("");
    expect(first.runs.map(({ asked }) => asked)).toEqual(
      Array.from({ length: 25 }, (_, index) => `question-${29 - index}`),
    );
    const second = await listed(`before=${first.older}`);
    expect(second.runs.map(({ asked }) => asked)).toEqual([4, 3, 2, 1, 0].map((index) => `question-${index}`));
    expect(second.older).toBeUndefined();
    expect((await listed("suite=south")).runs.every(({ group }) => group === "south")).toBe(true);
    expect((await listed("text=QUESTION-17")).runs).toMatchObject([
      { asked: "question-17", status: "completed", ended: "Hello." },
    ]);
    expect((await listed("status=failed")).runs).toEqual([]);
    expect(await textOf(all.get("/?status=failed"))).toContain("No run fits");
    expect(await textOf(all.get("/"))).toContain(`href="/?before=${first.older}"`);
    for (const odd of ["status=nothing", "before=x", "before=1.%2F..", "text=%00"]) await listed(odd);
  });

  test("a run of another tenant is not there, whichever group or path is named", async () => {
    const all = desk({ script: [...pays(), ...pays()], groups: ["north"] });
    const other = await all.start("theirs", "tenant-south");
    for (const path of [`/runs/north/${other.id}`, `/runs/south/${other.id}`, `/api/runs/north/${other.id}/timeline`]) {
      expect([path, (await all.get(path)).status]).toEqual([path, 404]);
    }
    const [open] = await other.approvals();
    const word = { at: open?.address, decision: "approve", reason: "mine now" };
    for (const group of ["north", "south", "tenant-south"]) {
      expect((await all.postJson(`/inbox/${group}/decide`, word)).status).toBe(404);
      expect((await all.postJson(`/runs/${group}/${other.id}/cancel`, { reason: "x" })).status).toBe(404);
      expect((await all.get(`/events?group=${group}&run=${other.id}`)).status).toBe(404);
    }
    expect(await all.get("/api/inbox").then((answer) => answer.json())).toMatchObject({ cases: [] });
    expect(await other.status()).toBe("parked");
  });

  test("one run shows its path, its decisions, its cost and its journal, and can be decided again", async () => {
    const all = desk({ script: pays() });
    const run = await all.start("500 back, please");
    const page = await textOf(all.get(`/runs/north/${run.id}?replay=now`));
    for (const text of [
      "500 back, please",
      'class="box agent seen"',
      "needs an approval for pay_out",
      "2 of 2",
      "Decided again, and every decision is the same",
    ].filter((text) => text !== "2 of 2")) {
      expect(page).toContain(text);
    }
    const timeline = await (await all.get(`/api/runs/north/${run.id}/timeline`)).json();
    expect(timeline).toMatchObject({ run: run.id, left: 0, seq: (await run.entries()).length });
    expect(await (await all.get(`/api/runs/north/${run.id}/replay`)).json()).toMatchObject({ ok: true, run: run.id });
    expect(await (await all.get(`/api/runs/north/${run.id}`)).json()).toMatchObject({
      status: "parked",
      costs: { total: { calls: 1 } },
    });
  });

  test("an entry that was changed is named, and what stands behind it is not shown", async () => {
    const all = desk({ script: [answers(clerk, { reply: "Hello." })] });
    const run = await all.start("hello");
    const { journal } = all.engine;
    const read = journal.read.bind(journal);
    Object.assign(all.source.journal, {
      read: async (...given: Parameters<typeof read>) =>
        (await read(...given)).map((batch) => {
          const { firstSeq, lastSeq, hash, lines } = batch;
          return { firstSeq, lastSeq, hash, lines: lines.replace("Hello.", "Adieu.") };
        }),
    });
    const page = await textOf(all.get(`/runs/north/${run.id}?replay=now`));
    expect(page).toMatch(/Entry \d+ is not what was written/);
    expect(page).not.toContain("Adieu.");
    expect(await (await all.get(`/api/runs/north/${run.id}/replay`)).json()).toMatchObject({
      ok: false,
      fault: { kind: "chain" },
    });
  });

  test("what customers and models write is text: it is no markup, and turns nothing", async () => {
    const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)> \u202Edrawkcab\u0007`;
    const all = desk({
      script: [calls(clerk, "pay_out", { orderId: hostile, amountCents: 1 }), answers(clerk, { reply: hostile })],
    });
    const run = await all.start(hostile);
    const { address } = await waitingAt(all);
    const pages = ["/", "/inbox", `/runs/north/${run.id}`, caseAt(address), `/?text=${encodeURIComponent(hostile)}`];
    for (const path of pages) {
      const page = await textOf(all.get(path));
      expect([
        path,
        page.includes("<script>"),
        page.includes("<img"),
        page.includes("\u202e"),
        page.includes("\u0007"),
      ]).toEqual([path, false, false, false, false]);
    }
    expect(await textOf(all.get(caseAt(address)))).toContain("\\u202edrawkcab\\u0007");
    expect(await textOf(all.get(`/runs/north/${run.id}`))).toContain("&lt;202e&gt;drawkcab");
    expect((await all.get(`/runs/north/${encodeURIComponent(hostile)}`)).status).toBe(404);
  });
});

describe("approvals", () => {
  test("a word counts once, the run goes on, and who comes too late is told who was there before", async () => {
    const all = desk({ script: pays() });
    const run = await all.start("500 back");
    const { address, binding } = await waitingAt(all);
    const page = await textOf(all.get(caseAt(address)));
    for (const text of [
      "Waits for an approval until",
      "who asked cannot approve",
      "&quot;amountCents&quot;: 500",
      binding,
    ]) {
      expect(page).toContain(text);
    }
    const form = { at: address, binding, key: "tab-one", decision: "approve", reason: "seen" };
    const said = await all.post("/inbox/north/decide", form);
    expect([said.status, said.headers.get("location")]).toEqual([303, `${caseAt(address)}&said=tab-one-approve`]);
    // The same form once more, as a second press of its button sends it.
    expect((await all.post("/inbox/north/decide", form)).status).toBe(303);
    await all.rest();
    expect(await run.status()).toBe("completed");
    expect(await textOf(all.get(said.headers.get("location") ?? ""))).toContain("Your word counted.");
    const late = await all.post("/inbox/north/decide", { ...form, key: "tab-two", decision: "reject", reason: "no" });
    const told = await late.text();
    expect(late.status).toBe(409);
    for (const text of ["approval/unknown", "Your word came too late.", "os:jo (unauthenticated) approved it"])
      expect(told).toContain(text);
    expect(told).not.toContain("<form");
    const decided = (await run.entries()).filter(({ type }) => type === "approval.decided");
    expect(decided).toHaveLength(1);
    expect(decided[0]?.body).toMatchObject({ principal: { id: "os:jo", authenticated: false }, reason: "seen" });
    expect(all.failures).toEqual([]);
  });

  test("a rejection wants a reason, which the page keeps asking for", async () => {
    const all = desk({ script: pays() });
    const run = await all.start("500 back");
    const { address, binding } = await waitingAt(all);
    const form = { at: address, binding, key: "k", decision: "reject" };
    const without = await all.post("/inbox/north/decide", { ...form, reason: " " });
    expect([without.status, (await without.text()).includes("say why; it is kept")]).toEqual([422, true]);
    expect((await all.post("/inbox/north/decide", { ...form, reason: "not ours" })).status).toBe(303);
    await all.rest();
    expect((await run.entries()).map(({ type }) => type)).toContain("approval.rejected");
    expect(await run.status()).toBe("completed");
  });

  test("an edit has to fit the tool; what was typed stays, and what fits waits for somebody else", async () => {
    const all = desk({ script: pays() });
    await all.start("500 back");
    const { address, binding } = await waitingAt(all);
    const check = (input: unknown) =>
      all.postJson("/inbox/north/check", { at: address, input }).then((answer) => answer.json());
    expect(await check({ orderId: "o-1", amountCents: 100 })).toEqual({ issues: [] });
    expect(await check({ orderId: "o-1", amountCents: "much" })).toMatchObject({
      issues: [{ pointer: "/amountCents" }],
    });
    const edit = (input: string) =>
      all.post("/inbox/north/decide", { at: address, binding, key: "k-edit", decision: "edit", reason: "less", input });
    const broken = await edit(`{"orderId": `);
    expect([broken.status, (await broken.text()).includes("{&quot;orderId&quot;: </textarea>")]).toEqual([422, true]);
    const misfit = await edit(`{"orderId":"o-1","amountCents":-1}`);
    const page = await misfit.text();
    expect([
      misfit.status,
      page.includes("/amountCents"),
      page.includes("&quot;amountCents&quot;:-1}</textarea>"),
    ]).toEqual([422, true, true]);
    const fits = await edit(`{"orderId":"o-1","amountCents":100}`);
    expect(fits.status).toBe(303);
    await all.rest();
    const old = await textOf(all.get(fits.headers.get("location") ?? ""));
    expect(old).toContain("Your word counted.");
    expect(old).toContain(caseAt(`${address}/edit#1`).replaceAll("&", "&amp;"));
    const next = await textOf(all.get(caseAt(`${address}/edit#1`)));
    expect(next).toContain("/amountCents: 500 → 100");
    const own = await all.post("/inbox/north/decide", {
      at: `${address}/edit#1`,
      key: "k2",
      decision: "approve",
      reason: "mine",
    });
    expect([own.status, (await own.text()).includes("approval/self-approval")]).toEqual([403, true]);
  });

  test("what is sealed is shown to who is cleared, once, on record; to nobody else, and not where nothing is sealed", async () => {
    const script = [calls(clerk, "pay_out", { orderId: "ada@example.com", amountCents: 700 })];
    const jo: Principal = { ...osPrincipal().current(), id: "os:jo", roles: ["lead"] };
    const own = desk({ script, sealed: ["lead"], principal: jo });
    const run = await own.start("Pay ada@example.com.");
    const [{ address: at = "" } = {}] = await run.approvals();
    const query = new URLSearchParams({ at }).toString();
    const before = await (await own.get(`/inbox/north/case?${query}`)).text();
    expect(before).toContain("@sealed.invalid");
    expect(before).not.toContain("ada@example.com");
    expect(before).toContain("Values are sealed here");
    expect(before).not.toContain("exactly as they would be sent");
    const disclosed = () => own.supervisor.disclosures(run.id, { tenant: run.tenant });
    expect(await disclosed()).toEqual([]);

    const shown = await own.post("/inbox/north/reveal", { at });
    const page = await shown.text();
    expect([shown.status, shown.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(page).toContain("ada@example.com");
    expect(page).toContain("in the clear: email; that you saw it is recorded");
    // The page goes on to follow the case, which is not at the address of the word.
    expect(page).toContain(`data-page="/inbox/north/case?${query}"`);
    expect(await disclosed()).toMatchObject([{ to: { kind: "approver", name: "os:jo" } }]);
    expect(await (await own.get(`/inbox/north/case?${query}`)).text()).not.toContain("ada@example.com");
    expect(await (await own.postJson("/inbox/north/reveal", { at })).json()).toMatchObject({
      input: { orderId: "ada@example.com" },
      revealed: ["email"],
    });
    // Nothing of it is decided by that.
    expect(await run.approvals()).toHaveLength(1);

    const clerks = desk({ script, sealed: ["boss"], principal: jo });
    const [other] = await (await clerks.start("Pay ada@example.com.")).approvals();
    const refused = await clerks.post("/inbox/north/reveal", { at: other?.address ?? "" });
    const told = await refused.text();
    expect([refused.status, told.includes("approval/reveal-not-allowed")]).toEqual([403, true]);
    expect(told).not.toContain("ada@example.com");
    expect((await own.post("/inbox/south/reveal", { at })).status).toBe(404);
    const plain = desk({ script });
    const [open] = await (await plain.start("Pay.")).approvals();
    const bare = new URLSearchParams({ at: open?.address ?? "" }).toString();
    expect(await (await plain.get(`/inbox/north/case?${bare}`)).text()).not.toContain("Values are sealed here");
  });

  test("arguments that are nested without end, or hold a number beyond all, are refused as that", async () => {
    const own = desk({ script: pays() });
    await own.start("Pay.");
    const { address: at } = await waitingAt(own);
    const sent = { origin, host: `127.0.0.1:${port}`, "content-type": "application/json" };
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    for (const input of [deep, `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`, "1e999"]) {
      for (const path of ["check", "decide"]) {
        const body = `{"at":${JSON.stringify(at)},"decision":"edit","reason":"x","input":${input}}`;
        const answer = await own.get(`/inbox/north/${path}`, sent, { method: "POST", body });
        const { code } = (await answer.json()) as { code: string };
        expect([path, answer.status, code]).toEqual([path, 422, "console/request-invalid"]);
      }
      const form = { at, decision: "edit", reason: "x", input };
      const page = await own.post("/inbox/north/decide", form);
      expect([page.status, (await page.text()).includes("console/request-invalid")]).toEqual([422, true]);
    }
  });

  test("a status that there is not is refused, and not left out", async () => {
    const own = desk({ script: pays() });
    await own.start("Pay.");
    const answer = await own.get("/api/runs?status=prked");
    expect([answer.status, await answer.json()]).toMatchObject([422, { code: "console/request-invalid" }]);
    expect((await own.get("/?status=prked")).status).toBe(422);
    expect((await own.get("/?status=&suite=&text=")).status).toBe(200);
  });

  test("what cannot be told is said, in the inbox as among the runs, and is there again when it can", async () => {
    let missing = true;
    const script = [asks(clerk, "customer", "Which floor?"), answers(clerk, { reply: "Done." })];
    const own = desk({ script, missing: () => missing, unreadable: ["suites/<b>.json"] });
    await own.start("Where?");
    const inbox = async () => (await (await own.get("/api/inbox")).json()) as InboxView;
    expect(await inbox()).toMatchObject({
      asks: [],
      broken: [{ group: "north", complaint: { code: "pack/file-missing" } }],
    });
    const page = await textOf(own.get("/inbox"));
    expect(page).toContain("What is asked in north cannot be told: there is no pack file at /gone/pack.ts.");
    expect(page).not.toContain("Nothing waits for anybody.");
    for (const path of ["/", "/inbox"])
      expect(await textOf(own.get(path))).toContain("suites/&lt;b&gt;.json cannot be read, and is left out.");
    missing = false;
    expect(await inbox()).toMatchObject({ asks: [{ what: { question: "Which floor?" } }], broken: [] });
  });

  test("of a quorum each says their own word, and the page says how many there are", async () => {
    const all = desk({ script: pays(), quorum: 2, principal: { ...operator("jo"), authenticated: false } });
    const run = await all.start("500 back");
    const { address } = await waitingAt(all);
    const taken = await all.postJson("/inbox/north/decide", { at: address, decision: "approve", reason: "one" });
    expect(await taken.json()).toMatchObject({ outcome: "recorded" });
    const page = await textOf(all.get(caseAt(address)));
    expect(page).toContain("It takes 2 people; approved by jo");
    expect(page).toContain("Approve, as one of 2");
    const again = await all.postJson("/inbox/north/decide", { at: address, decision: "approve", reason: "twice" });
    expect([again.status, await again.json()]).toMatchObject([409, { code: "approval/already-decided" }]);
    await all.supervisor.approvals.approve("tenant-north", address, { reason: "two", principal: operator("kim") });
    await run.settled();
    expect(await run.status()).toBe("completed");
    expect(await textOf(all.get(caseAt(address)))).toContain("kim (unauthenticated) approved it");
  });

  test("an address that never was is nothing; one that has expired says so", async () => {
    const all = desk({ script: pays() });
    const run = await all.start("500 back");
    const { address } = await waitingAt(all);
    expect((await all.get(caseAt("run_nothing/clerk#1/tool#1"))).status).toBe(404);
    expect((await all.get(caseAt("no-address"))).status).toBe(404);
    expect(await textOf(all.get(caseAt(`${run.id}/clerk#9/tool#9`)))).toContain("There never was a case here.");
    all.clock.advance(40 * 24 * 3_600_000);
    const late = await all.post(
      "/inbox/north/decide",
      { at: address, key: "k", decision: "approve", reason: "late" },
      {},
    );
    expect([401, 409]).toContain(late.status); // The session is over, too.
  });
});

describe("questions, failed runs, cancels", () => {
  test("a question of an agent is answered as it stands, or as JSON", async () => {
    const all = desk({ script: [asks(clerk, "customer", "Which one?"), answers(clerk, { reply: "That one." })] });
    const run = await all.start("mine");
    const { asks: open } = (await (await all.get("/api/inbox")).json()) as InboxView;
    expect(open).toMatchObject([{ group: "north", run: run.id, what: { question: "Which one?", of: "customer" } }]);
    const ask = open[0]?.what.ask ?? "";
    const page = await textOf(all.get(`/inbox/north/ask?run=${run.id}&ask=${encodeURIComponent(ask)}`));
    expect(page).toContain("“Which one?”");
    const broken = await all.post("/inbox/north/reply", { run: run.id, ask, key: "k", answer: "{", json: "true" });
    expect(broken.status).toBe(422);
    const answer = { run: run.id, ask, key: "k", answer: "the blue one" };
    expect((await all.post("/inbox/north/reply", answer)).headers.get("location")).toBe(`/runs/north/${run.id}`);
    await all.rest();
    expect(await run.status()).toBe("completed");
    const again = await all.post("/inbox/north/reply", { ...answer, key: "k2" });
    expect([again.status, (await again.text()).includes("It does not wait any more")]).toEqual([409, true]);
  });

  test("a tool's question is shown as nobody's word of ours, and its form is read by its fields", async () => {
    const all = desk({ script: [calls(clerk, "book_room", { day: "Monday" }), answers(clerk, { reply: "Booked." })] });
    const opened = Promise.withResolvers<void>();
    all.supervisor.on("question.opened", () => opened.resolve());
    const run = await all.supervisor.start({ text: "a room" }, { tenant: "tenant-north", principal: user("C-1") });
    await opened.promise;
    const { questions } = (await (await all.get("/api/inbox")).json()) as InboxView;
    const at = questions[0]?.what.address ?? "";
    const place = `/inbox/north/question?at=${encodeURIComponent(at)}`;
    const page = await textOf(all.get(place));
    for (const text of [
      "its text is not ours",
      "&lt;b&gt;Hurry&lt;/b&gt;",
      'name="field:0"',
      'name="field:1"',
      "minimum 0",
    ]) {
      expect(page).toContain(text);
    }
    const form = { at, binding: questions[0]?.what.binding ?? "", key: "k", action: "accept", reason: "" };
    const wrong = await all.post("/inbox/north/answer", { ...form, "field:0": "12" });
    expect([wrong.status, (await wrong.text()).includes("question/answer-invalid")]).toEqual([422, true]);
    const right = await all.post("/inbox/north/answer", {
      ...form,
      "field:0": "3",
      "field:1": "false",
      "field:2": "",
      "field:3": "1",
      "field:4": "1",
    });
    expect([right.status, right.headers.get("location")]).toEqual([303, place]);
    await run.result();
    const returned = (await run.entries()).find(({ type }) => type === "tool.returned");
    expect(returned?.body).toMatchObject({
      output: { booked: JSON.stringify({ floor: 3, quiet: false, side: "south", extras: ["cake"] }) },
    });
    const late = await all.post("/inbox/north/answer", { ...form, key: "k2", action: "decline" });
    expect([late.status, (await late.text()).includes("It does not wait any more")]).toEqual([409, true]);
  });

  test("a failed run is done again once, or put aside with a reason", async () => {
    // The script is each run's own: what is done again fails again.
    const all = desk({ script: [fails(clerk, new Error("no such model"))] });
    const [one, two] = [await all.start("first"), await all.start("second")];
    expect([await one.status(), await two.status()]).toEqual(["failed", "failed"]);
    expect(await textOf(all.get("/letters"))).toContain(`/letters/north/${one.id}/redrive`);
    expect((await all.post(`/letters/north/${one.id}/dismiss`, { reason: "" })).status).toBe(422);
    expect((await all.post(`/letters/north/${one.id}/dismiss`, { reason: "by mail" })).status).toBe(303);
    const redriven = await all.post(`/letters/north/${two.id}/redrive`, {});
    expect([redriven.status, redriven.headers.get("location")]).toEqual([
      303,
      expect.stringMatching(/^\/runs\/north\/run_/),
    ]);
    await all.rest();
    const as = redriven.headers.get("location")?.split("/").at(-1);
    const { letters } = (await (await all.get("/api/letters")).json()) as LettersView;
    expect(letters.map(({ run }) => run)).toEqual([as]);
    expect(await textOf(all.get(`/runs/north/${as}`))).toContain(`in the place of ${two.id}`);
    expect((await all.post(`/letters/north/${one.id}/redrive`, {})).status).toBe(404);
  });

  test("a run is cancelled with a reason; one that has ended says that it has", async () => {
    const all = desk({ script: pays() });
    const run = await all.start("500 back");
    const cancelled = await all.post(`/runs/north/${run.id}/cancel`, { reason: "the customer called" });
    expect(cancelled.headers.get("location")).toBe(`/runs/north/${run.id}`);
    await all.rest();
    expect(await run.status()).toBe("cancelled");
    const { runs } = (await (await all.get("/api/runs?status=cancelled")).json()) as RunsView;
    expect(runs).toMatchObject([{ run: run.id, ended: "the customer called" }]);
    const page = await textOf(all.get(`/runs/north/${run.id}`));
    expect(page).not.toContain("/cancel");
  });
});
