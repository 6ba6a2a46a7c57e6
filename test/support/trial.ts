import { createHash } from "node:crypto";
import {
  type AnyAgent,
  asAgent,
  defineAgent,
  defineDenial,
  defineEscalation,
  defineHandoff,
  defineParallel,
  defineQuestion,
  defineSupervisor,
  defineTool,
  type Edge,
  type Engine,
  type Entry,
  type ErrorCode,
  type Grant,
  type Journal,
  localEngine,
  type Model,
  type ModelRequest,
  OrchestrationError,
  type ResponsePart,
  type Run,
  type RunResult,
  runSupervisor,
  type SupervisorDefinition,
  silentLogger,
  systemClock,
  ToolRefusal,
  user,
} from "@remit/core";
import { z } from "zod";

/**
 * A trial is a random team with random models, tools and people, all drawn from one seed. What is drawn depends on what it
 * is for, never on the order of things, so that a run that is taken up again meets the same world.
 */

export function dice(seed: number) {
  const unit = (...about: readonly (string | number)[]): number =>
    createHash("sha256")
      .update([seed, ...about].join("\u0000"))
      .digest()
      .readUIntBE(0, 6) /
    2 ** 48;
  const pick = <T>(items: readonly T[], ...about: readonly (string | number)[]): T =>
    items[Math.floor(unit(...about) * items.length)] as T;
  return { unit, pick };
}

export interface LedgerCall {
  readonly agent: string;
  readonly tool: string;
  /** Empty on reads. */
  readonly key: string;
}

/** The outside world: counts what really happened, by idempotency key. */
export class Ledger {
  readonly effects = new Map<string, number>();
  /** Calls that reached a tool, by agent and tool. */
  readonly calls: LedgerCall[] = [];
  /** Looks at the moment at which a call reaches its tool. */
  onCall: (call: LedgerCall) => void = () => {};
  call(agent: string, tool: string, key: string): void {
    const call = { agent, tool, key };
    this.calls.push(call);
    this.onCall(call);
  }
  happen(key: string): void {
    this.effects.set(key, (this.effects.get(key) ?? 0) + 1);
  }
}

const payload = z.object({ n: z.int(), text: z.string() });
type Payload = z.output<typeof payload>;

export interface Trial {
  /** What the run is started with at most. */
  readonly grant: Grant | undefined;
  readonly definition: SupervisorDefinition;
  readonly model: Model;
  readonly ledger: Ledger;
}

export function makeTrial(seed: number): Trial {
  const { unit, pick } = dice(seed);
  const ledger = new Ledger();

  const readTool = (name: string) =>
    defineTool({
      name,
      description: name,
      input: z.object({ id: z.string() }),
      output: z.object({ value: z.int() }),
      effect: "read",
      execute: async ({ id }, { agent }) => {
        ledger.call(agent, name, "");
        for (let turn = Math.floor(unit("slow", name, id) * 5); turn > 0; turn--)
          await new Promise((resolve) => setImmediate(resolve));
        const luck = unit("read", name, id);
        if (luck < 0.15) throw new ToolRefusal("no such thing");
        if (luck < 0.3) throw new Error("the line is dead");
        if (luck < 0.4) return { value: "wrong" as never };
        return { value: Math.floor(luck * 100) };
      },
    });
  const writeTool = (name: string, idempotency: "key" | "lookup" | "none") =>
    defineTool({
      name,
      description: name,
      input: z.object({ id: z.string() }),
      output: z.object({ done: z.boolean() }),
      effect: "write",
      risk: "low",
      idempotency,
      ...(idempotency === "lookup"
        ? {
            lookup: (_: unknown, { idempotencyKey }: { idempotencyKey: string }) =>
              ledger.effects.has(idempotencyKey)
                ? { outcome: "found" as const, output: { done: true } }
                : { outcome: "never" as const },
          }
        : {}),
      execute: async ({ id }, { agent, idempotencyKey, attempt }) => {
        ledger.call(agent, name, idempotencyKey);
        const luck = unit("write", name, id);
        if (luck < 0.15) throw new ToolRefusal("against the rules");
        // A tool with keys does a write once, whatever it answers.
        if (idempotency !== "key" || !ledger.effects.has(idempotencyKey)) ledger.happen(idempotencyKey);
        await Promise.resolve();
        if (luck < 0.35 && attempt === 1) throw new Error("the answer was lost");
        return { done: true };
      },
    });
  const reads = [readTool("read_a"), readTool("read_b")];
  const writes = [writeTool("write_key", "key"), writeTool("write_lookup", "lookup"), writeTool("write_none", "none")];
  const all = [...reads, ...writes];

  const agentOf = (name: string): AnyAgent =>
    defineAgent({
      name,
      description: name,
      model: "m",
      tools: all.filter(({ name: tool }) => unit("owns", name, tool) < 0.6),
      asks: unit("asks", name) < 0.5 ? ["customer"] : [],
      input: payload,
      output: payload,
      instructions: "Play.",
    }) as AnyAgent;

  const team = (name: string, depth: number): SupervisorDefinition => {
    const count = 2 + Math.floor(unit("agents", name) * 3);
    const agents: AnyAgent[] = [];
    for (let index = 0; index < count; index++) {
      const id = `${name}_${index}`;
      const nested = depth > 0 && index > 0 && unit("nested", id) < 0.3;
      agents.push(
        nested
          ? (asAgent(team(`${id}t`, depth - 1) as never, {
              name: id,
              description: id,
              input: payload,
              output: payload,
            }) as AnyAgent)
          : agentOf(id),
      );
    }
    const grantFor = (to: AnyAgent, ...about: readonly (string | number)[]): { grant?: Grant } => {
      if (unit("granted", ...about) < 0.6) return {};
      const own = to.team ? [...to.team.tools.keys()] : to.tools.map(({ name: tool }) => tool);
      return {
        grant: {
          ...(unit("only", ...about) < 0.7
            ? { tools: own.filter((tool) => unit("grants", tool, ...about) < 0.6) }
            : {}),
          ...(unit("reads", ...about) < 0.3 ? { effects: "read" as const } : {}),
        },
      };
    };
    const next = (output: Payload): Payload => ({ n: output.n + 1, text: output.text });
    const edges: Edge[] = [];
    agents.forEach((from, index) => {
      const to = agents[(index + 1) % count] as AnyAgent;
      const last = index === count - 1;
      const kind = pick(
        ["plain", "guard", "back", "question", "parallel", "end", "bad-map", "bad-guard"],
        "edge",
        name,
        index,
      );
      const base = { from, name: `${from.name}-first` };
      const guard = ({ n }: Payload) => (n * 7 + index) % 3 === 0;
      if (kind === "guard")
        edges.push(defineHandoff({ ...base, to, ...grantFor(to, name, index), when: guard, map: next }) as Edge);
      if (kind === "back")
        edges.push(defineHandoff({ ...base, to: agents[0] as AnyAgent, max: 1, when: guard, map: next }) as Edge);
      if (kind === "question") {
        edges.push(
          defineQuestion({
            ...base,
            to,
            max: 2,
            when: guard,
            of: "customer",
            ask: () => "?",
            map: (answer) => ({ n: 1, text: answer }),
          }) as Edge,
        );
      }
      if (kind === "parallel" && count > 2) {
        const others = agents.filter((one) => one !== from).slice(0, 2);
        edges.push(
          defineParallel({
            ...base,
            when: guard,
            max: 1,
            branches: Object.fromEntries(
              others.map((one, at) => [`b${at}`, { to: one, ...grantFor(one, name, index, at), map: next }]),
            ),
            join: {
              to,
              map: (results: Record<string, unknown>) => ({ n: Object.keys(results).length, text: "joined" }),
            },
          } as never) as Edge,
        );
      }
      if (kind === "end") {
        const ending = unit("ending", name, index) < 0.5 ? defineEscalation : defineDenial;
        edges.push(ending({ ...base, when: guard, reason: "drawn" }) as Edge);
      }
      if (kind === "bad-map")
        edges.push(defineHandoff({ ...base, to, when: guard, map: () => ({ n: "no" }) as never }) as Edge);
      if (kind === "bad-guard") {
        edges.push(
          defineHandoff({
            ...base,
            to,
            when: ({ n }: Payload) => {
              if (n % 5 === 0) throw new Error("guard");
              return false;
            },
            map: next,
          }) as Edge,
        );
      }
      if (!last)
        edges.push(
          defineHandoff({ from, name: `${from.name}-on`, to, ...grantFor(to, name, index, "on"), map: next }) as Edge,
        );
    });
    return defineSupervisor({
      name: name.replaceAll("_", "-"),
      agents: Object.fromEntries(agents.map((agent) => [agent.name, agent])),
      entry: (agents[0] as AnyAgent).name,
      exit: (agents.at(-1) as AnyAgent).name,
      handoffs: edges as never,
      onFailure: unit("failure", name) < 0.5 ? "fail" : "escalate",
      limits: { steps: 40, handoffs: 20, turns: 6 },
    }) as unknown as SupervisorDefinition;
  };

  const definition = team("t", 2);
  const model: Model = {
    id: "random",
    cost: "zero",
    generate: async (request: ModelRequest) => {
      const about = [request.agent, request.context.agentCall] as const;
      // Answers take a varying number of turns of the event loop, so that completions race.
      for (let turn = Math.floor(unit("slow", ...about) * 4); turn > 0; turn--)
        await new Promise((resolve) => setImmediate(resolve));
      const output: ResponsePart = {
        type: "output",
        value: { n: Math.floor(unit("n", ...about) * 20), text: request.agent },
      };
      const luck = unit("turn", ...about);
      const call = (index: number): ResponsePart => ({
        type: "toolCall",
        callId: `c${index}`,
        tool: pick([...all.map(({ name }) => name), "made_up"], "tool", ...about, index),
        input:
          unit("args", ...about, index) < 0.1
            ? { wrong: true }
            : { id: `i${Math.floor(unit("id", ...about, index) * 12)}` },
      });
      if (luck < 0.35)
        return { parts: Array.from({ length: 1 + Math.floor(unit("many", ...about) * 3) }, (_, index) => call(index)) };
      if (luck < 0.43) return { parts: [{ type: "output", value: { n: "bad" } }] };
      if (luck < 0.5) return { parts: [{ type: "ask", of: "customer", question: "which?" }] };
      if (luck < 0.53) return { parts: [{ type: "refusal", reason: "no" }] };
      if (luck < 0.56) throw new Error("overloaded");
      if (luck < 0.58) return { parts: [] };
      return { parts: [output] };
    },
  };
  const names = [...definition.tools.keys()];
  const grant = unit("run grant") < 0.7 ? undefined : { tools: names.filter((tool) => unit("run grants", tool) < 0.8) };
  return { definition, model, ledger, grant };
}

export interface PlayedTrial {
  readonly trial: Trial;
  readonly result: RunResult;
  readonly entries: readonly Entry[];
  readonly journal: Journal;
  readonly runId: string;
  readonly crashes: number;
}

/** Plays a trial to its end on a journal; with `crashAfter`, the process is "killed" after so many entries, again and again. */
export async function playTrial(
  seed: number,
  journal: Journal,
  options: {
    readonly crashEvery?: number;
    /** Cancels when the run waits and has at least so many entries. */
    readonly cancelAt?: number;
    /** Cancels when this entry is told, whatever is under way. */
    readonly cancelOn?: number;
    readonly snapshotEvery?: number;
    readonly statesAtHand?: number;
    /** Puts eyes and ears into the trial before it is played. */
    readonly prepare?: (trial: Trial) => Trial;
  } = {},
): Promise<PlayedTrial> {
  const made = makeTrial(seed);
  const trial = options.prepare?.(made) ?? made;
  const { unit } = dice(seed);
  const open = (): { engine: Engine; supervisor: ReturnType<typeof runSupervisor> } => {
    const engine = localEngine({
      name: "trial",
      journal: { ...journal, close: async () => {} },
      clock: systemClock(),
      logger: silentLogger,
    });
    const supervisor = runSupervisor(trial.definition, {
      engine,
      models: { m: trial.model },
      // Made at random, some trials cannot end well; how they end then is what is looked at.
      check: "log",
      ...(options.snapshotEvery === undefined ? {} : { snapshotEvery: options.snapshotEvery }),
      ...(options.statesAtHand === undefined ? {} : { statesAtHand: options.statesAtHand }),
    } as never);
    return { engine, supervisor };
  };
  const tenant = "t";
  let { engine, supervisor } = open();
  const { id: runId } = await supervisor.start({ n: 1, text: "go" } as never, {
    tenant,
    principal: user("u"),
    idempotencyKey: "one",
    ...(trial.grant ? { grant: trial.grant } : {}),
  });
  let crashes = 0;
  let cancelled = false;
  if (options.cancelOn !== undefined) void cancelWhen(await supervisor.find(runId, { tenant }), options.cancelOn);
  for (;;) {
    const run = await supervisor.find(runId, { tenant });
    const crash = new AbortController();
    const watching =
      options.crashEvery === undefined
        ? undefined
        : crashWhen(run.events({ signal: crash.signal }), options.crashEvery * (crashes + 1));
    const settled = run.settled();
    settled.catch(() => {});
    const first = await Promise.race([settled, ...(watching ? [watching] : [])]);
    crash.abort();
    if (first === "crash") {
      crashes++;
      // The old process goes on for a while, as a paused one would; the journal decides who owns the run.
      const old = engine;
      ({ engine, supervisor } = open());
      await old.close();
      await supervisor.resume();
      continue;
    }
    const status = await run.status();
    if (status === "running") continue;
    if (status !== "parked") {
      const entries = await run.entries();
      await engine.close();
      return { trial, result: await run.result(), entries, journal, runId, crashes };
    }
    const known = (await run.entries()).length;
    if (!cancelled && options.cancelAt !== undefined && known >= options.cancelAt) {
      cancelled = true;
      await run.cancel("enough", { principal: user("u") });
      continue;
    }
    const [question] = await run.questions();
    const [effect] = await run.uncertain();
    if (question) {
      const answer = `answer ${Math.floor(unit("answer", question.ask) * 9)}`;
      // Who cancels may have been quicker.
      await run
        .send(answer, { ask: question.ask, principal: user("u") })
        .catch(unless("run/not-waiting", "run/already-ended"));
    } else if (effect) {
      const happened = trial.ledger.calls.length > 0 && unit("settle", effect.effect) < 0.5;
      const decision = { output: { done: true }, reason: "looked", principal: user("u") };
      await run
        .settle(effect.effect, { ...decision, outcome: happened ? "happened" : "never" })
        .catch(unless("run/not-waiting", "run/already-ended"));
    } else if ((await run.status()) === "parked") throw new Error("parked with nothing to wait for");
  }
}

async function crashWhen(events: AsyncIterable<Entry>, seq: number): Promise<"crash" | "over"> {
  for await (const entry of events) if (entry.seq >= seq) return "crash";
  return await new Promise<never>(() => {});
}

async function cancelWhen(run: Run<unknown>, seq: number): Promise<void> {
  for await (const entry of run.events()) {
    if (entry.seq < seq) continue;
    await run.cancel("enough", { principal: user("u") }).catch(unless("run/already-ended", "engine/closed"));
    return;
  }
}

function unless(...codes: readonly ErrorCode[]): (thrown: unknown) => void {
  return (thrown) => {
    if (!codes.some((code) => OrchestrationError.is(thrown, code))) throw thrown;
  };
}
