import {
  defineAgent,
  defineSupervisor,
  defineTool,
  type Engine,
  memoryEngine,
  osPrincipal,
  type Principal,
  type Run,
  runSupervisor,
  type Supervisor,
  user,
} from "@remit/core";
import { type FakeClock, fakeClock, scriptedModel, type Turn } from "@remit/core/testing";
import { allDetectors } from "@remit/tools/detect";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { consoleApp } from "./app.ts";
import { type Sessions, sessions as sessionsOf } from "./session.ts";
import type { ConsoleSource, RunGroup } from "./source.ts";

/** A small desk on the memory engine with two groups of runs: a source that is no suite, and the console over it. */

const money = z.object({ orderId: z.string().min(1), amountCents: z.int().positive() });

export const payOut = defineTool({
  name: "pay_out",
  description: "Pays back.",
  input: money,
  output: z.object({ paid: z.int() }),
  effect: "write",
  risk: "high",
  idempotency: "key",
  execute: ({ amountCents }) => ({ paid: amountCents }),
});

export const bookRoom = defineTool({
  name: "book_room",
  description: "Books a room, and asks which one.",
  input: z.object({ day: z.string() }),
  output: z.object({ booked: z.string() }),
  effect: "write",
  risk: "low",
  idempotency: "key",
  execute: async (_input, { elicit }) => {
    const answer = await elicit?.({
      mode: "form",
      message: "Which floor? <b>Hurry</b>",
      schema: {
        type: "object",
        properties: {
          floor: { type: "integer", minimum: 0, maximum: 9 },
          quiet: { type: "boolean" },
          note: { type: "string" },
          side: { type: "string", enum: ["north", "south"] },
          extras: { type: "array", items: { type: "string", enum: ["tea", "cake"] } },
        },
        required: ["floor"],
      },
    });
    return { booked: answer?.action === "accept" ? JSON.stringify(answer.content) : "nothing" };
  },
});

export const clerk = defineAgent({
  name: "clerk",
  description: "Pays back what is asked for.",
  model: "fast",
  tools: [payOut, bookRoom],
  asks: ["customer"],
  input: z.object({ text: z.string() }),
  output: z.object({ reply: z.string() }),
  instructions: "Pay.",
});

export interface Desk {
  readonly engine: Engine;
  readonly clock: FakeClock;
  readonly source: ConsoleSource;
  readonly sessions: Sessions;
  readonly supervisor: Supervisor;
  /** Asks as a browser that is in. */
  readonly get: (path: string, headers?: Readonly<Record<string, string>>, init?: RequestInit) => Promise<Response>;
  /** Sends a form of a page. */
  readonly post: (
    path: string,
    form: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<Response>;
  readonly postJson: (path: string, body: unknown) => Promise<Response>;
  /** As it comes, without a session or anything else that is not said. */
  readonly raw: (path: string, init?: RequestInit) => Promise<Response>;
  readonly start: (text: string, tenant?: string) => Promise<Run>;
  /** Resolves when what was set going is at rest. */
  readonly rest: () => Promise<void>;
  /** What was told of runs that could not go on. */
  readonly failures: string[];
  readonly entered: () => number;
}

export const port = 4600;
export const origin = `http://127.0.0.1:${port}`;

export function desk(options: {
  readonly script: readonly Turn[];
  readonly quorum?: number;
  readonly principal?: Principal;
  readonly groups?: readonly string[];
  /** Addresses are sealed, and members of these roles may see them. */
  readonly sealed?: readonly string[];
  readonly unreadable?: readonly string[];
  /** True while the team cannot be loaded. */
  readonly missing?: () => boolean;
}): Desk {
  const { script, quorum = 1, groups = ["north", "south"], sealed, unreadable = [], missing = () => false } = options;
  const clock = fakeClock();
  const engine = memoryEngine({ clock });
  const definition = defineSupervisor({
    name: "payments",
    agents: { clerk },
    entry: "clerk",
    exit: "clerk",
    handoffs: [],
    approvals: [{ tool: payOut, by: "human", quorum }],
  });
  const operators = Object.fromEntries((sealed ?? []).map((role) => [role, ["*"]]));
  const supervisor = runSupervisor(definition, {
    engine,
    models: { fast: scriptedModel(script) },
    ...(sealed ? { vault: { key: "11".repeat(32) }, seal: { detectors: allDetectors(), operators } } : {}),
  });
  const acts = new Set<Promise<void>>();
  let mark = 0;
  const source: ConsoleSource = {
    place: "memory",
    journal: engine.journal,
    clock,
    principal: options.principal ?? { ...osPrincipal().current(), id: "os:jo" },
    groups: () =>
      groups.map((id, index): RunGroup => {
        return { id, tenant: `tenant-${id}`, about: "a test", startedAt: -index, sealed: sealed !== undefined };
      }),
    unreadable: () => unreadable,
    subjectOf: async () => undefined,
    supervisorOf: async () => {
      if (missing()) throw new SandboxError("pack/file-missing", { file: "/gone/pack.ts" });
      return supervisor as unknown as Supervisor;
    },
    acting: (_group, act) => {
      const goOn = async (run: Run) => {
        await run.settled();
        return { run: run.id, status: await run.status(), reason: "", waiting: [], questions: [] };
      };
      const acted = act({ supervisor: supervisor as unknown as Supervisor, goOn }).finally(() => acts.delete(acted));
      acts.add(acted);
      return acted;
    },
    mark: () => String(mark++),
    command: (words) => `remit ${words}`,
  };
  const sessions = sessionsOf({ key: "ab".repeat(32), clock });
  const failures: string[] = [];
  let entered = 0;
  const app = consoleApp({
    source,
    sessions,
    port: () => port,
    entered: () => entered++,
    failed: (run, { code }) => failures.push(`${run}: ${code}`),
    signal: new AbortController().signal,
  });
  const cookie = (sessions.enter(sessions.token()) ?? "").split(";")[0] ?? "";
  const host = { host: `127.0.0.1:${port}` };
  const raw: Desk["raw"] = async (path, init) => app.request(`${origin}${path}`, init);
  const send = (path: string, body: string, headers: Readonly<Record<string, string>>) =>
    raw(path, { method: "POST", body, headers: { ...host, cookie, origin, ...headers } });
  return {
    engine,
    clock,
    source,
    sessions,
    supervisor: supervisor as unknown as Supervisor,
    get: (path, headers, init) => raw(path, { ...init, headers: { ...host, cookie, ...headers } }),
    post: (path, form, headers) =>
      send(path, new URLSearchParams(form).toString(), {
        "content-type": "application/x-www-form-urlencoded",
        ...headers,
      }),
    postJson: (path, body) => send(path, JSON.stringify(body), { "content-type": "application/json" }),
    raw,
    start: async (text, tenant = "tenant-north") => {
      const run = await supervisor.start({ text }, { tenant, principal: user("C-1") });
      await run.settled();
      return run as Run;
    },
    rest: async () => {
      while (acts.size > 0) await Promise.allSettled([...acts]);
    },
    failures,
    entered: () => entered,
  };
}
