/**
 * The process under test: Restate's handlers around the driver. Arguments: port to listen on, address of the world.
 *
 *   Inbox/{tenant/run}/put    one event in; wakes the run, or rings the bell of the activation that is at work
 *   Inbox/{tenant/run}/take   what waits; called by the activation only
 *   Run/{tenant/run}/drive    one activation: from an event until nothing is in flight
 *   Run/{tenant/run}/driveBriefly   the same, suspended by the node after 300 ms of silence
 *   Run/{tenant/run}/read     the journal, readable while the run is being driven
 *   Run/{tenant/run}/status   where the run stands
 *   Run/{tenant/run}/stale    tries an append with an old `expectedSeq`
 *   Plain/row                 the same steps written by hand, as a yardstick
 */
import { randomBytes } from "node:crypto";
import * as restate from "@restatedev/restate-sdk";
import { OrchestrationError } from "../../packages/core/src/errors.ts";
import { sealBatch } from "../../packages/core/src/journal/chain.ts";
import { deskHost, tenantKey } from "./desk.ts";
import { drive } from "./driver.ts";
import { readBatches, restateSession, seededSalts } from "./session.ts";

/** @import { InputEvent, RunStatus } from "../../packages/core/src/event.ts" */
/** @import { RunHost, RunKey } from "../../packages/core/src/port/engine.ts" */
/** @import { RunRecord } from "../../packages/core/src/port/journal.ts" */
/** @import { Activation, Ask, Inbound, Taken } from "./session.ts" */
/** @typedef {{ whileParked: Activation["whileParked"], salts: "seeded" | "random", team: "toy" | "desk" }} Mode */
/** @typedef {Activation & Mode} Start */
/** @typedef {{ events: Inbound[], seen: string[], active: boolean, rung: boolean, bell?: string }} Box */

const [port = "", world = ""] = process.argv.slice(2);

/** Calls the world; the yardstick's `count_up` stays in the process. @type {RunHost["execute"]} */
const execute = async (key, command, signal) => {
  if (command.type !== "callTool") throw new Error(`the proof has no ${command.type}`);
  const { id, path, tool } = command;
  if (tool === "count_up") {
    return {
      id: `done/${id}`,
      type: "tool.returned",
      path,
      body: { command: id, output: 1, labels: {}, durationMs: 0 },
    };
  }
  try {
    const body = JSON.stringify({ runId: key.runId, tenant: key.tenant, ...command });
    const response = await fetch(world, { method: "POST", body, signal });
    const output = await response.text();
    return { id: `done/${id}`, type: "tool.returned", path, body: { command: id, output, labels: {}, durationMs: 0 } };
  } catch (cause) {
    const error = new OrchestrationError("tool/failed", { tool, reason: String(cause) }, { cause }).toRecord();
    return {
      id: `done/${id}`,
      type: "tool.failed",
      path,
      body: { command: id, error, mayHaveExecuted: true, durationMs: 0 },
    };
  }
};

/** @type {import("./desk.ts").CallWorld} */
const callWorld = async (tool, { signal, ...call }) => {
  const body = JSON.stringify({ tenant: "t", id: tool, tool, ...call });
  return (await fetch(world, { method: "POST", body, signal })).text();
};

/** @param {string} text @returns {RunKey} */
const keyOf = (text) => {
  const cut = text.indexOf("/");
  return { tenant: text.slice(0, cut), runId: text.slice(cut + 1) };
};

/** @param {restate.ObjectContext} ctx @param {Start} start @param {RunHost["execute"]} execute @param {() => string} salt */
const sessionOf = (ctx, start, execute, salt) =>
  restateSession({
    ctx,
    race: (futures) => restate.RestatePromise.race(futures),
    take: (ask) => ctx.objectClient(inbox, ctx.key).take(ask),
    sendLater: (event, delay) => {
      const { whileParked, salts, team } = start;
      ctx
        .objectSendClient(inbox, ctx.key)
        .put({ event, mode: { whileParked, salts, team } }, restate.rpc.sendOpts({ delay, idempotencyKey: event.id }));
    },
    execute,
    key: keyOf(ctx.key),
    activation: start,
    salt,
    tenantKey,
  });

/** A driver's error is final: without this Restate would try again until it pauses the invocation. @param {unknown} error */
const asTerminalError = (error) =>
  OrchestrationError.is(error) ? new restate.TerminalError(`${error.code}: ${error.message}`) : undefined;

/**
 * How long an invocation may be silent before the node asks the worker to suspend it. From then on it hears nothing,
 * no timer and no cancel, until its last closure has ended: so longer than any command may take. What is parked has no
 * invocation and needs no suspension. `driveBriefly` has a short one, to see both.
 */
const inactivityTimeout = { hours: 1 };
/** Nothing stays of an invocation that has ended: the journal is in the object's state. It takes both. */
const forgotten = { journalRetention: 0, idempotencyRetention: 0 };
const retryPolicy = {
  initialInterval: 50,
  maxInterval: 500,
  maxAttempts: 30,
  onMaxAttempts: /** @type {const} */ ("pause"),
};

/** @type {Box} */
const newBox = { events: [], seen: [], active: false, rung: false };

const inbox = restate.object({
  name: "Inbox",
  options: forgotten,
  handlers: {
    /** @param {restate.ObjectContext} ctx @param {{ event: InputEvent, mode: Mode }} input */
    put: async (ctx, { event, mode }) => {
      /** @type {Box} */
      const box = (await ctx.get("box")) ?? newBox;
      if (box.seen.includes(event.id)) return { known: true };
      const { at, seed } = await ctx.run("received", () => ({
        at: Date.now(),
        seed: randomBytes(16).toString("base64url"),
      }));
      const seen = [...box.seen, event.id];
      const { bell, ...rest } = box;
      if (box.active) {
        if (bell !== undefined) {
          ctx.resolveAwakeable(bell, { event, at });
          ctx.set("box", { ...rest, seen, rung: true });
        } else ctx.set("box", { ...rest, seen, events: [...box.events, { event, at }] });
      } else {
        ctx.set("box", { ...rest, seen, active: true });
        const client = ctx.objectSendClient(run, ctx.key);
        const start = { events: [{ event, at }], seed, ...mode };
        if (mode.whileParked === "end") client.drive(start);
        else client.driveBriefly(start);
      }
      return { known: false };
    },
    /** @param {restate.ObjectContext} ctx @param {Ask} ask @returns {Promise<Taken>} */
    take: async (ctx, { bell, listening }) => {
      /** @type {Box} */
      const box = (await ctx.get("box")) ?? newBox;
      const { events, seen } = box;
      const rung = box.rung && listening;
      const waits = events.length === 0 && bell !== undefined;
      const active = waits || rung || events.length > 0;
      ctx.set("box", { events: [], seen, active, rung: false, ...(waits ? { bell } : {}) });
      return { events, rung };
    },
  },
});

const desk = deskHost(callWorld);

/** One activation. @param {restate.ObjectContext} ctx @param {Start} start @returns {Promise<void>} */
const activate = async (ctx, start) => {
  const salt = start.salts === "random" ? () => randomBytes(16).toString("base64url") : seededSalts(start.seed);
  /** @type {Pick<RunHost, "drive" | "execute">} */
  const host = start.team === "desk" ? desk : { drive, execute };
  let { events } = start;
  do {
    const session = sessionOf(ctx, { ...start, events }, host.execute, salt);
    await host.drive(session);
    events = await session.close();
  } while (events.length > 0);
};

const run = restate.object({
  name: "Run",
  options: { ...forgotten, inactivityTimeout, retryPolicy, onJournalMismatchErrors: "retry", asTerminalError },
  handlers: {
    drive: activate,
    driveBriefly: restate.handlers.object.exclusive({ inactivityTimeout: 300 }, activate),
    read: restate.handlers.object.shared(
      /** @param {restate.ObjectSharedContext} ctx */
      (ctx) => readBatches(ctx),
    ),
    // Lazily: else the node sends the whole journal along with every question.
    status: restate.handlers.object.shared(
      { enableLazyState: true },
      /** @param {restate.ObjectSharedContext} ctx @returns {Promise<RunStatus | null>} */
      async (ctx) => /** @type {RunRecord | null} */ (await ctx.get("record"))?.status ?? null,
    ),
    /** @param {restate.ObjectContext} ctx @returns {Promise<void>} */
    stale: async (ctx) => {
      const session = sessionOf(
        ctx,
        { events: [], seed: "", whileParked: "end", salts: "seeded", team: "toy" },
        execute,
        () => "salt",
      );
      await session.journal.read(session.key);
      const draft = /** @type {const} */ ({ type: "run.parked", at: 0, path: "", cause: 0, body: { waitingFor: [] } });
      await session.append(
        sealBatch({ seq: 0, hash: "" }, [draft], () => "salt"),
        0,
      );
    },
  },
});

const plain = restate.service({
  name: "Plain",
  options: forgotten,
  handlers: {
    /** @param {restate.Context} ctx @param {{ steps: number }} input @returns {Promise<number>} milliseconds, by the recorded times */
    row: async (ctx, { steps }) => {
      const startedAt = await ctx.run("start", async () => Date.now());
      let at = startedAt;
      for (let step = 1; step <= steps; step++) at = await ctx.run(`step ${step}`, async () => Date.now());
      return at - startedAt;
    },
  },
});

await restate.serve({ port: Number(port), services: [inbox, run, plain] });
