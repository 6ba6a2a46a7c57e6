import { randomBytes } from "node:crypto";
import { type Json, parseAddress } from "@remit/core";
import { type Context, Hono } from "hono";
import { type Complaint, complaintOf } from "../cli/complaint.ts";
import { SandboxError } from "../errors.ts";
import { statuses } from "../face/statuses.ts";
import { asset } from "../report/page.ts";
import { formOf, jsonOf, readyOf, statusOf } from "./forms.ts";
import { guard, wantsJson } from "./guard.ts";
import { liveStream } from "./live.ts";
import { type CaseBodyOptions, caseBody } from "./page/case.ts";
import { askHref, caseHref, complaintBox, frame, leftOut, notice, questionHref, runHref } from "./page/frame.ts";
import { type Html, html, type Piece } from "./page/html.ts";
import { inboxBody } from "./page/inbox.ts";
import { lettersBody } from "./page/letters.ts";
import { askBody, questionBody } from "./page/question.ts";
import { runBody } from "./page/run.ts";
import { runsBody } from "./page/runs.ts";
import type { Sessions } from "./session.ts";
import type { ConsoleSource } from "./source.ts";
import { findRunOf, openRunOf, waitingIn } from "./view/find.ts";
import { historyOf } from "./view/history.ts";
import { inboxLister } from "./view/inbox.ts";
import { viewLetters } from "./view/letters.ts";
import { viewReplay, viewRun, viewTimeline } from "./view/run.ts";
import { type RunsQuery, runLister } from "./view/runs.ts";
import { readWord, type Word, wordsFor } from "./words.ts";

export interface AppOptions {
  readonly source: ConsoleSource;
  readonly sessions: Sessions;
  /** Where it listens, known when it does. */
  readonly port: () => number;
  /** Told each time a browser was let in: the next one needs another address. */
  readonly entered: () => void;
  /** Told of a run that could not go on after a word that counted. */
  readonly failed: (run: string, complaint: Complaint) => void;
  /** Ends what is streamed. */
  readonly signal: AbortSignal;
}

/** Streams at a time: a browser that opens more is told to come back. */
const streamsMost = 64;

const files = {
  "report.css": "text/css; charset=utf-8",
  "console.css": "text/css; charset=utf-8",
  "timeline.js": "text/javascript; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
} as const;

/** The pages and the words of the console, over one source. */
export function consoleApp(options: AppOptions): Hono {
  const { source, sessions, port, entered, failed, signal } = options;
  const app = new Hono();
  const listRuns = runLister(source);
  const inbox = inboxLister(source);
  const newKey = () => randomBytes(12).toString("base64url");
  const words = wordsFor(source, newKey, (run, thrown) => failed(run, complaintOf(thrown)));
  const now = () => source.clock.now();
  const { command } = source;
  let streams = 0;

  /** A page, with what is around it. How things stand is asked for first, so that nothing is missed that comes while it is made. */
  const send = async (
    context: Context,
    make: () => Promise<{ readonly title: string; readonly body: Piece }>,
    about: {
      readonly here?: "runs" | "inbox" | "letters";
      readonly watched?: { group: string; run: string };
      readonly status?: number;
      /** Where this page is found again, of one that answers a word. */
      readonly address?: string;
    } = {},
  ) => {
    const mark = about.watched ? await runMark(about.watched.group, about.watched.run) : source.mark();
    const { title, body } = await make();
    const waits = await waitsNow();
    const address = context.req.method === "POST" ? about.address : undefined;
    const page = frame({ title, body, mark, waits, source, here: about.here, watched: about.watched, address });
    return context.html(page.text, (about.status ?? 200) as 200);
  };
  const waitsNow = async (): Promise<number> => {
    const { cases, questions, asks, uncertain } = await inbox();
    return cases.length + questions.length + asks.length + uncertain.length;
  };

  /** How one run stands: the seq of its last entry. */
  const runMark = async (groupId: string, runId: string, from = 1): Promise<string> => {
    const { group, record } = await findRunOf(source, groupId, runId);
    const known = Math.max(1, from, record.lastSeq);
    const batches = await source.journal.read({ tenant: group.tenant, kind: "run", id: runId }, known);
    return String(batches.at(-1)?.lastSeq ?? record.lastSeq);
  };

  app.use("*", ...guard({ port, sessions, command }));

  app.get("/web/:file", (context) => {
    const file = context.req.param("file");
    const type = Object.hasOwn(files, file) ? files[file as keyof typeof files] : undefined;
    if (type === undefined) return context.notFound();
    return context.body(asset(file), 200, { "Content-Type": type, "Cache-Control": "no-cache" });
  });

  app.get("/enter", (context) => {
    const purpose = `${context.req.header("sec-purpose") ?? ""}${context.req.header("purpose") ?? ""}`;
    if (context.req.method === "HEAD" || /prefetch/.test(purpose)) return context.body(null, 204);
    const cookie = sessions.enter(context.req.query("token") ?? "");
    if (cookie !== undefined) {
      context.header("Set-Cookie", cookie);
      entered();
      return context.redirect("/", 303);
    }
    if (sessions.holds(context.req.header("cookie"))) return context.redirect("/", 303);
    const text = html`<p>This address has been used, or is not the one that the terminal shows now. Each lets one browser in, once.</p>`;
    return context.html(notice("Not let in", text).text, 403);
  });

  // Looking.

  const runsAsked = (context: Context): RunsQuery => {
    const { suite, status, text, before } = context.req.query();
    const known = statuses.find((one) => one === status);
    if (status && !known) {
      const reason = `status is one of ${statuses.join(", ")}`;
      throw new SandboxError("console/request-invalid", { reason });
    }
    return {
      ...(suite ? { group: suite } : {}),
      ...(known ? { status: known } : {}),
      ...(text ? { text: text.slice(0, 200) } : {}),
      ...(before ? { before } : {}),
    };
  };
  app.get("/", (context) =>
    send(
      context,
      async () => {
        const asked = runsAsked(context);
        const body = runsBody(await listRuns(asked), {
          groups: source.groups(),
          unreadable: leftOut(source.unreadable()),
          asked,
          now: now(),
          command,
        });
        return { title: "Runs", body };
      },
      { here: "runs" },
    ),
  );
  app.get("/api/runs", async (context) => context.json(await listRuns(runsAsked(context))));

  const runPage = (context: Context, group: string, run: string, lead?: Piece, status?: number) =>
    send(
      context,
      async () => {
        const { view, team } = await viewRun(source, group, run);
        const replay = context.req.query("replay") === "now" ? await viewReplay(source, group, run) : undefined;
        return { title: view.title, body: runBody(view, team, { now: now(), command, replay, lead }) };
      },
      {
        here: "runs",
        watched: { group, run },
        address: runHref(group, run),
        ...(status === undefined ? {} : { status }),
      },
    );
  const place = (context: Context) => ({ group: param(context, "group"), run: param(context, "run") });
  app.get("/runs/:group/:run", (context) => {
    const { group, run } = place(context);
    return runPage(context, group, run);
  });
  app.get("/api/runs/:group/:run", async (context) => {
    const { group, run } = place(context);
    return context.json((await viewRun(source, group, run)).view);
  });
  app.get("/api/runs/:group/:run/timeline", async (context) => {
    const { group, run } = place(context);
    return context.json(await viewTimeline(source, group, run));
  });
  app.get("/api/runs/:group/:run/replay", async (context) => {
    const { group, run } = place(context);
    return context.json(await viewReplay(source, group, run));
  });

  app.get("/inbox", (context) =>
    send(
      context,
      async () => ({
        title: "Inbox",
        body: inboxBody(await inbox(), {
          now: now(),
          several: source.groups().length > 1,
          unreadable: leftOut(source.unreadable()),
        }),
      }),
      { here: "inbox" },
    ),
  );
  app.get("/api/inbox", async (context) => context.json(await inbox()));
  app.get("/letters", (context) =>
    send(
      context,
      async () => ({ title: "Failed runs", body: lettersBody(await viewLetters(source), now(), command) }),
      {
        here: "letters",
      },
    ),
  );
  app.get("/api/letters", async (context) => context.json(await viewLetters(source)));

  /** What is known of one address of the inbox, whether it is open or not. */
  const opened = async (groupId: string, at: string) => {
    const { run = "", effect = "" } = parseAddress(at) ?? {};
    const found = await openRunOf(source, groupId, run);
    const { entries, scenario } = found.recorded;
    const [start] = entries;
    const attributes = start?.type === "run.started" ? (start.body.attributes ?? {}) : {};
    const title = (await source.subjectOf(found.group, attributes))?.title ?? scenario ?? found.record.supervisor;
    const history = historyOf(run, effect, entries);
    return { ...found, ...waitingIn(found), run, title, history, entries };
  };
  const casePage = (
    context: Context,
    groupId: string,
    at: string,
    more: Pick<CaseBodyOptions, "lead" | "typed" | "said" | "revealed"> = {},
    status?: number,
  ) => {
    const { run = "" } = parseAddress(at) ?? {};
    return send(
      context,
      async () => {
        const { group, record, cases, title, history, entries } = await opened(groupId, at);
        const open = cases.find(({ address }) => address === at);
        const supervisor = open && (await source.supervisorOf(group, record).catch(() => undefined));
        const schema = open && (supervisor?.definition.tools.get(open.tool)?.inputSchema as Json | undefined);
        const { id, sealed = false } = group;
        const about = { group: id, run, address: at, title, open, history, entries, schema };
        const known = { ...about, sealed, command, now: now() };
        return { title: `Approval: ${open?.tool ?? at}`, body: caseBody({ ...known, key: newKey(), ...more }) };
      },
      {
        here: "inbox",
        watched: { group: groupId, run },
        address: caseHref(groupId, at),
        ...(status === undefined ? {} : { status }),
      },
    );
  };
  app.get("/inbox/:group/case", (context) => {
    const { at = "", said } = context.req.query();
    return casePage(context, param(context, "group"), at, { said });
  });
  app.get("/api/cases/:group", async (context) => {
    const at = context.req.query("at") ?? "";
    const { cases, history } = await opened(param(context, "group"), at);
    return context.json({ open: cases.find(({ address }) => address === at) ?? null, history });
  });
  const questionPage = (context: Context, groupId: string, at: string, lead?: Piece, status?: number) => {
    const { run = "" } = parseAddress(at) ?? {};
    return send(
      context,
      async () => {
        const { group, questions, title, history } = await opened(groupId, at);
        const open = questions.find(({ address }) => address === at);
        const known = { group: group.id, run, title, open, history, now: now(), key: newKey(), lead };
        return { title: "Question", body: questionBody(known) };
      },
      {
        here: "inbox",
        watched: { group: groupId, run },
        address: questionHref(groupId, at),
        ...(status === undefined ? {} : { status }),
      },
    );
  };
  app.get("/inbox/:group/question", (context) =>
    questionPage(context, param(context, "group"), context.req.query("at") ?? ""),
  );
  const askPage = (context: Context, groupId: string, run: string, ask: string, lead?: Piece, status?: number) =>
    send(
      context,
      async () => {
        const { view } = await viewRun(source, groupId, run);
        const open = view.asks.find((one) => one.ask === ask);
        return {
          title: "Question",
          body: askBody({ group: groupId, run, title: view.title, open, key: newKey(), lead }),
        };
      },
      {
        here: "inbox",
        watched: { group: groupId, run },
        address: askHref(groupId, run, ask),
        ...(status === undefined ? {} : { status }),
      },
    );
  app.get("/inbox/:group/ask", (context) => {
    const { run = "", ask = "" } = context.req.query();
    return askPage(context, param(context, "group"), run, ask);
  });

  // Stepping in. A form is sent on to where what came of it stands; JSON is answered.

  /**
   * @param say says it, and gives what came of it, and the page to go to
   * @param again the page that the form stood on, with what is in the way
   */
  const word = <Name extends Word>(
    path: string,
    name: Name,
    say: (
      context: Context,
      given: ReturnType<typeof readWord<Name>>,
    ) => Promise<{ readonly told: unknown } & ({ readonly href: string } | { readonly page: () => Promise<Response> })>,
    again: (
      context: Context,
      given: Readonly<Record<string, unknown>>,
      lead: Html,
      status: number,
    ) => Response | Promise<Response>,
  ) => {
    app.post(path, async (context) => {
      const isJson = (context.req.header("content-type") ?? "").startsWith("application/json");
      let given: Readonly<Record<string, unknown>> = {};
      try {
        given = isJson ? await jsonOf(context) : formOf(name, await context.req.text());
        const said = await say(context, readWord(name, readyOf(name, given, isJson)));
        if (isJson) return context.json(said.told as object);
        return "href" in said ? context.redirect(said.href, 303) : said.page();
      } catch (thrown) {
        const complaint = complaintOf(thrown);
        const status = statusOf(complaint);
        if (isJson || status === 404) return answerTo(context, complaint, status);
        return again(context, given, complaintBox(complaint), status);
      }
    });
  };
  const text = (value: unknown): string => (typeof value === "string" ? value : "");

  word(
    "/inbox/:group/decide",
    "decide",
    async (context, given) => {
      const group = param(context, "group");
      const taken = await words.decide(group, given);
      return { told: taken, href: `${caseHref(group, given.at)}&said=${encodeURIComponent(taken.key)}` };
    },
    (context, given, lead, status) => {
      const typed = { reason: text(given.reason), ...(given.decision === "edit" ? { input: text(given.input) } : {}) };
      return casePage(context, param(context, "group"), text(given.at), { lead, typed, said: text(given.key) }, status);
    },
  );
  word(
    "/inbox/:group/reveal",
    "reveal",
    async (context, given) => {
      const group = param(context, "group");
      const revealed = await words.reveal(group, given);
      // Shown once, on the answer itself: nothing to come back to.
      return { told: revealed, page: () => casePage(context, group, given.at, { revealed }) };
    },
    (context, given, lead, status) => casePage(context, param(context, "group"), text(given.at), { lead }, status),
  );
  app.post("/inbox/:group/check", async (context) => {
    const given = readWord("check", await jsonOf(context));
    return context.json({ issues: await words.check(param(context, "group"), given) });
  });
  word(
    "/inbox/:group/answer",
    "answer",
    async (context, given) => {
      const group = param(context, "group");
      const taken = await words.answer(group, given);
      return { told: taken, href: questionHref(group, given.at) };
    },
    (context, given, lead, status) => questionPage(context, param(context, "group"), text(given.at), lead, status),
  );
  word(
    "/inbox/:group/reply",
    "reply",
    async (context, given) => {
      const group = param(context, "group");
      await words.reply(group, given);
      return { told: { ok: true }, href: runHref(group, given.run) };
    },
    (context, given, lead, status) =>
      askPage(context, param(context, "group"), text(given.run), text(given.ask), lead, status),
  );
  word(
    "/runs/:group/:run/cancel",
    "cancel",
    async (context, given) => {
      const { group, run } = place(context);
      await words.cancel(group, run, given);
      return { told: { ok: true }, href: runHref(group, run) };
    },
    (context, _given, lead, status) => {
      const { group, run } = place(context);
      return runPage(context, group, run, lead, status);
    },
  );
  const lettersAgain = (context: Context, _given: unknown, lead: Html, status: number) =>
    send(
      context,
      async () => ({ title: "Failed runs", body: lettersBody(await viewLetters(source), now(), command, lead) }),
      { here: "letters", status, address: "/letters" },
    );
  word(
    "/letters/:group/:run/redrive",
    "redrive",
    async (context) => {
      const { group, run } = place(context);
      const as = await words.redrive(group, run);
      return { told: { as }, href: runHref(group, as) };
    },
    lettersAgain,
  );
  word(
    "/letters/:group/:run/dismiss",
    "dismiss",
    async (context, given) => {
      const { group, run } = place(context);
      await words.dismiss(group, run, given);
      return { told: { ok: true }, href: "/letters" };
    },
    lettersAgain,
  );

  app.get("/events", async (context) => {
    const { group, run, seen } = context.req.query();
    if (group !== undefined || run !== undefined) await findRunOf(source, group ?? "", run ?? "");
    if (streams >= streamsMost) return context.text("Too many pages are open.\n", 503, { "Retry-After": "5" });
    streams++;
    const gone = AbortSignal.any([signal, context.req.raw.signal]);
    gone.addEventListener("abort", () => streams--, { once: true });
    let stored = "";
    let mark = "";
    const look = async () => {
      const current = source.mark();
      if (group === undefined || run === undefined) return current;
      // What is stored has not changed: nor has the run.
      if (current !== stored) mark = await runMark(group, run, Number(mark) || 1);
      stored = current;
      return mark;
    };
    const last = context.req.header("last-event-id") ?? seen;
    const stream = liveStream({ clock: source.clock, mark: look, seen: last, signal: gone });
    return context.body(stream, 200, { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" });
  });

  app.notFound((context) =>
    answerTo(context, complaintOf(new SandboxError("console/nothing-there", { what: "page" })), 404),
  );
  app.onError((thrown, context) => {
    const complaint = complaintOf(thrown);
    return answerTo(context, complaint, statusOf(complaint));
  });
  return app;
}

function param(context: Context, name: string): string {
  return context.req.param(name) ?? "";
}

function answerTo(context: Context, complaint: Complaint, status: number): Response {
  if (
    wantsJson(context.req.header("accept")) ||
    context.req.path.startsWith("/api/") ||
    context.req.method === "POST"
  ) {
    return context.json(complaint, status as 200);
  }
  const body = html`<p>${complaint.message}</p>${complaint.hint !== "" && html`<p class="note">${complaint.hint}</p>`}<p><a href="/">To the runs</a></p>`;
  return context.html(notice(status === 404 ? "Nothing there" : "This did not work", body).text, status as 200);
}
