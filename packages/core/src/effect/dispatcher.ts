import { z } from "zod";
import { bindingOf } from "../approval/binding.ts";
import type { CallToolCommand, LookupCommand } from "../command.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { EntryBodies, InputEvent, LabelTable, Tier } from "../event.ts";
import { boundOn, covers, isBound } from "../grant.ts";
import { keyedHash } from "../hash.ts";
import { canonicalJson, copyJson, isWithinBytes, type Json, notJsonText, plainJson } from "../json.ts";
import { saidOf } from "../label/labelled.ts";
import { unionOf } from "../label/union.ts";
import { once } from "../once.ts";
import type { PolicyGate } from "../policy/gate.ts";
import { rulesOf } from "../policy-version.ts";
import type { Clock } from "../port/clock.ts";
import type { RunKey } from "../port/engine.ts";
import type { StopSignal } from "../port/stop-signal.ts";
import { attributeNames, operations, spanNames, type Tracer } from "../port/tracer.ts";
import { quietController } from "../quiet-stop.ts";
import { type Parsed, parseWith } from "../schema.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import type { AnyTool, ToolContext } from "../tool.ts";
import { compensationAgent, undoToolsOf } from "../undo.ts";
import { type Breakers, breakerOpen, evidenceOf, type Pass } from "./breaker.ts";
import { type AskPeople, elicitOf } from "./elicit.ts";
import { mayHaveExecuted, toolError } from "./failure.ts";
import type { Limiter, Release } from "./limiter.ts";
import { type Patience, patience } from "./patience.ts";
import { assertUnrestricted, type LiveRestrictions } from "./restriction.ts";
import { dispatchWindowMs } from "./tries.ts";

/**
 * The one holder of tool functions (R3). It asks again, by code of its own, what the core has asked: is this tool in
 * this agent's allowlist, has a write its key, is anything revoked, is the approval good for exactly this, do the
 * arguments fit; then whether the other side can be asked at all. Never throws.
 *
 * G1 Until the tool is called nothing has happened: every failure before that says `mayHaveExecuted: false`.
 * G2 A write of tier `person` is made only with an approval whose binding the gate computes again from what it holds.
 *    What a tool has to pass the gate reads from the definition itself, and takes no laxer tier for it.
 * G3 What is revoked is not called, not even after a wait in a queue.
 * G4 Time in a queue is not the tool's: its timeout begins when it is called. Nor is the time in which its question waits
 *    for a person: the timeout stands still, no longer than an answer may take.
 * G5 A write is made before its dispatch is too old, or not at all (`tool/dispatch-late`): behind whatever was waited for
 *    here, and with nothing waited for between the look at the clock and the call.
 * G6 The policy that the run is pinned to and the one that is in force now are asked about the arguments as the tool gets
 *    them; where one of them wants a person, an approval has to be there.
 * G6 A tool gets the values of the classes that it `reveals`, and tokens for the rest; that it got them is durable before.
 *    Keys, hashes and approvals are over tokens.
 */
export interface Dispatcher {
  readonly call: (key: RunKey, command: CallToolCommand, signal: StopSignal) => Promise<InputEvent>;
  /**
   * Asks what became of a write. Revoked or not, open breaker or not: it changes nothing, and somebody has to know. A
   * `never` that comes before the tool's writes have settled is asked for once more when they have, if that is no longer
   * away than the tool's `timeoutMs` and the time that a dispatch has to set out; else nothing is known.
   */
  readonly lookup: (key: RunKey, command: LookupCommand, signal: StopSignal) => Promise<InputEvent>;
}

const found = once(() =>
  z.discriminatedUnion("outcome", [
    z.object({ outcome: z.literal("found"), output: z.unknown() }),
    z.object({ outcome: z.literal("never") }),
    z.object({ outcome: z.literal("unknown") }),
  ]),
);

export interface DispatcherOptions {
  readonly definition: SupervisorDefinition;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Breakers before tools, `tool:` and the tool's `breaker`; without it every call is made. */
  readonly breakers?: Breakers;
  /** Bounds what is under way of one tenant (`tenant:acme`) and of one tool (`tool:refund_order`). */
  readonly limiter?: Limiter;
  /** What is taken away now; nothing where it is absent. */
  readonly restrictions?: LiveRestrictions;
  /** What policies say, asked again before each call. */
  readonly policies?: Pick<PolicyGate, "tool">;
  /** The key of a tenant's argument hashes. Without it no approval can be checked, so none is good. */
  readonly tenantKey?: (tenant: string) => string | Promise<string>;
  /** How tools ask people; without it they cannot. */
  readonly ask?: AskPeople;
  /** Puts values in the place of tokens; without it there are none. */
  readonly sealing?: Sealing;
  /** Told what listeners of tools throw when they are stopped. */
  readonly stray?: (thrown: unknown) => void;
}

/** What a tool gets of a command: its arguments and attributes, opened as far as it may see them. */
interface Opened {
  readonly input: Json;
  readonly attributes: ToolContext["attributes"];
}

export function dispatcher(options: DispatcherOptions): Dispatcher {
  const { definition, clock, tracer, breakers, limiter, restrictions, policies, tenantKey, ask, sealing, stray } =
    options;
  const { limits } = definition;
  const undoTools = undoToolsOf(definition);

  /** An agent's allowlist; what undoes writes has those tools alone that the definition names for that. */
  const toolOf = (agentName: string, toolName: string): AnyTool | undefined => {
    const agent = findAgent(definition, agentName);
    if (agent) return agent.tools.find(({ name }) => name === toolName);
    return agentName === compensationAgent ? undoTools.get(toolName) : undefined;
  };

  const gate = (command: CallToolCommand | LookupCommand): AnyTool => {
    const { agent: agentName, tool: toolName } = command;
    const tool = toolOf(agentName, toolName);
    if (!tool) throw new OrchestrationError("policy/tool-not-allowed", { agent: agentName, tool: toolName });
    if (command.type === "callTool" && !covers(command.grant, tool)) {
      throw new OrchestrationError("policy/not-granted", { agent: agentName, tool: toolName });
    }
    if (tool.effect === "write" && command.key === "") {
      throw new OrchestrationError("run/internal", { reason: `a write of ${toolName} came without its key` });
    }
    return tool;
  };

  const checkRestrictions = async ({ tenant }: RunKey, { agent, tool }: CallToolCommand) => {
    if (restrictions) assertUnrestricted(await restrictions(tenant), { tenant, agent, tool });
  };

  /**
   * Whoever sends a call does not say what it has to pass: the rules of the definition do, under the policy of the run.
   * @throws OrchestrationError `approval/missing` for a call that claims less
   */
  const needsApproval = ({ tool, tier, policyVersion, approval }: CallToolCommand): boolean => {
    const asked = rulesOf(policyVersion).tiers ? (definition.approvals.get(tool)?.tier ?? "none") : "none";
    if (isLaxer(tier, asked)) throw new OrchestrationError("approval/missing", { tool });
    return tier === "person" || approval !== undefined;
  };

  /** R8: good for these very arguments of this very effect, and for nothing else. */
  const checkApproval = async (key: RunKey, command: CallToolCommand) => {
    const { approval, path: effect, agent, tool, input } = command;
    const secret = approval && approval.by.length > 0 ? await tenantKey?.(key.tenant) : undefined;
    if (!approval || secret === undefined) throw new OrchestrationError("approval/missing", { tool });
    const binding = bindingOf({
      tenant: key.tenant,
      run: key.runId,
      effect,
      agent,
      tool,
      inputHash: keyedHash(secret, canonicalJson(input)),
      definitionHash: approval.definitionHash,
      policyVersion: approval.policyVersion,
    });
    if (binding !== approval.binding) throw new OrchestrationError("approval/missing", { tool });
  };

  /** G6. What has passed already may be asked about once more; the answer is about now. */
  const checkPolicy = (key: RunKey, command: CallToolCommand, tool: AnyTool, input: unknown) => {
    const plain = policies || isBound(command.grant) ? plainJson(input) : undefined;
    const args = plain?.ok ? plain.value : command.input;
    const bound = boundOn(command.grant, tool.name, args, clock.now(), !rulesOf(command.policyVersion).empties);
    if (bound !== undefined) {
      throw new OrchestrationError("policy/not-granted", { agent: command.agent, tool: tool.name, bound });
    }
    if (!policies) return;
    const said = policies.tool(key, command, tool, args);
    // Whoever sends the call does not say whether a person was wanted.
    if (said === "approve" && command.tier !== "person") {
      throw new OrchestrationError("approval/missing", { tool: tool.name });
    }
  };

  /**
   * Waits until the call may be made. The tenant's place comes before the tool's: one that waits for its own bound shall
   * hold no place that others could use. All take them in this order, so none waits for another for ever.
   */
  const enter = async (key: RunKey, command: CallToolCommand, tool: AnyTool, input: unknown, signal: StopSignal) => {
    const target = `tool:${tool.breaker}`;
    // Asked before the queue, so that nobody queues up for what is not there.
    const open = breakers?.peek(target) ?? true;
    if (open !== true) throw breakerOpen(target, open);
    const releases: Release[] = [];
    try {
      let waited = false;
      for (const place of limiter ? [`tenant:${key.tenant}`, `tool:${tool.name}`] : []) {
        const release = limiter?.acquire({ target: place, tenant: key.tenant, signal });
        if (release instanceof Promise) waited = true;
        if (release) releases.push(await release);
      }
      if (waited) {
        await checkRestrictions(key, command);
        checkPolicy(key, command, tool, input);
      }
      if (signal.aborted) throw new OrchestrationError("tool/cancelled", { tool: tool.name });
      assertInTime(command);
      const pass = breakers?.pass(target);
      if (pass && "retryAt" in pass) throw breakerOpen(target, pass);
      return { pass, releases };
    } catch (thrown) {
      for (const release of releases) release();
      // The signal's own reason, out of the queue.
      if (signal.aborted) throw new OrchestrationError("tool/cancelled", { tool: tool.name }, { cause: thrown });
      throw thrown;
    }
  };

  const assertInTime = ({ tool, callBefore }: CallToolCommand) => {
    const lateMs = callBefore === undefined ? -1 : clock.now() - callBefore;
    if (lateMs >= 0) throw new OrchestrationError("tool/dispatch-late", { tool, lateMs });
  };

  /** What a tool gave, as its schema reads it and as a journal can hold it. */
  const outputOf = (tool: AnyTool, value: unknown): Parsed<Json> => {
    const parsed = parseWith(tool.output, value);
    if (!parsed.ok) return parsed;
    const plain = plainJson(parsed.value);
    if (!plain.ok) {
      return { ok: false, issues: [{ pointer: plain.fault.pointer, message: notJsonText(plain.fault) }] };
    }
    const limit = limits.payloadBytes;
    if (isWithinBytes(plain.value, limit)) return plain;
    const bytes = Buffer.byteLength(JSON.stringify(plain.value));
    return { ok: false, issues: [{ pointer: "", message: `${bytes} bytes, more than the limit of ${limit}` }] };
  };

  /** The arguments and attributes of a call as its tool may have them (G6). A copy: what a tool does to it is no run's business. */
  const openedFor = (
    key: RunKey,
    command: CallToolCommand | LookupCommand,
    tool: AnyTool,
  ): Opened | Promise<Opened> => {
    const { input, attributes, path } = command;
    if (!sealing || tool.reveals.length === 0) return { input: copyJson(input), attributes };
    const to = { kind: "tool", name: tool.name, path } as const;
    const copied = (opened: Opened): Opened => ({ ...opened, input: copyJson(opened.input) });
    const revealed = sealing.reveal(key, { input, attributes }, tool.reveals, to);
    return revealed instanceof Promise ? revealed.then(copied) : copied(revealed);
  };

  const contextOf = (
    key: RunKey,
    command: CallToolCommand | LookupCommand,
    attributes: ToolContext["attributes"],
    signal: AbortSignal,
  ): ToolContext => ({
    signal,
    idempotencyKey: command.key,
    tenant: key.tenant,
    runId: key.runId,
    agent: command.agent,
    path: command.path,
    attempt: command.attempt,
    attributes,
    ...(command.type === "callTool" ? starterOf(command) : {}),
  });

  return {
    call: async (key, command, signal) => {
      const startedAt = clock.now();
      const failed = (
        error: OrchestrationError,
        mayHaveExecuted: boolean,
        labels?: LabelTable,
      ): InputEvent<"tool.failed"> => ({
        id: command.id,
        type: "tool.failed",
        path: command.path,
        body: {
          command: command.id,
          error: error.toRecord(),
          mayHaveExecuted,
          ...(labels === undefined ? {} : { labels }),
          durationMs: clock.now() - startedAt,
        },
      });
      let tool: AnyTool;
      let input: unknown;
      let attributes = command.attributes;
      let pass: Pass | undefined;
      let releases: readonly Release[] = [];
      try {
        tool = gate(command);
        // A read waits for a person where a policy says so.
        if ((tool.effect === "write" || command.tier === "person") && needsApproval(command)) {
          await checkApproval(key, command);
        }
        const opening = openedFor(key, command, tool);
        const opened = opening instanceof Promise ? await opening : opening;
        attributes = opened.attributes;
        // G3: behind whatever else may have to wait for a journal.
        if (restrictions) await checkRestrictions(key, command);
        const parsed = parseWith(tool.input, opened.input);
        if (!parsed.ok) {
          throw new OrchestrationError("tool/input-invalid", {
            tool: tool.name,
            issues: parsed.issues as unknown as Json,
          });
        }
        input = parsed.value;
        checkPolicy(key, command, tool, parsed.value);
        if (signal.aborted) throw new OrchestrationError("tool/cancelled", { tool: tool.name });
        if (breakers || limiter) ({ pass, releases } = await enter(key, command, tool, parsed.value, signal));
        else assertInTime(command);
      } catch (thrown) {
        // G1: nothing has been called yet, so the outcome is known. A port that threw is no failure of the tool.
        if (OrchestrationError.is(thrown)) return failed(thrown, false);
        return failed(new OrchestrationError("run/internal", { reason: reasonOf(thrown) }, { cause: thrown }), false);
      }
      const write = tool.effect === "write";
      const span = tracer.span(spanNames.tool(tool.name), {
        [attributeNames.operation]: operations.tool,
        [attributeNames.tool]: tool.name,
        [attributeNames.toolType]: "function",
        ...(command.callId === undefined ? {} : { [attributeNames.toolCall]: command.callId }),
        [attributeNames.agent]: command.agent,
        [attributeNames.tenant]: key.tenant,
        [attributeNames.run]: key.runId,
        [attributeNames.path]: command.path,
        [attributeNames.attempt]: command.attempt,
        [attributeNames.effect]: tool.effect,
      });
      try {
        const labels = labelsOf(tool);
        const holdMs = limits.answerMs;
        const value = await within({ clock, tool, signal, holdMs, patient: write, stray }, (inner, time) =>
          tool.execute(input as never, {
            ...contextOf(key, command, attributes, inner),
            ...(ask
              ? { elicit: elicitOf({ key, command, tool, clock, limits, labels, ask, sealing, signal: inner, time }) }
              : {}),
          }),
        );
        const said = saidOf(value);
        const output = outputOf(tool, said.value);
        if (!output.ok) {
          const issues = output.issues as unknown as Json;
          const error = new OrchestrationError("tool/output-invalid", { tool: tool.name, issues });
          span.end({ code: error.code });
          pass?.record(evidenceOf(error));
          return failed(error, write, labelsOf(tool));
        }
        span.end();
        pass?.record(true);
        return {
          id: command.id,
          type: "tool.returned",
          path: command.path,
          body: {
            command: command.id,
            output: output.value,
            labels: withParts(tool, said.labels),
            durationMs: clock.now() - startedAt,
          },
        };
      } catch (thrown) {
        const error = toolError(thrown, tool);
        span.end({ code: error.code });
        pass?.record(evidenceOf(error));
        return failed(error, write && mayHaveExecuted(thrown), labelsOf(tool));
      } finally {
        for (const release of releases) release();
      }
    },
    lookup: async (key, command, signal) => {
      const answer = (
        outcome: "found" | "never" | "unknown",
        said: Pick<EntryBodies["effect.looked-up"], "output" | "labels"> = {},
      ): InputEvent<"effect.looked-up"> => ({
        id: command.id,
        type: "effect.looked-up",
        path: command.path,
        body: { command: command.id, outcome, ...said },
      });
      try {
        const tool = gate(command);
        const { lookup } = tool;
        const opening = openedFor(key, command, tool);
        const opened = opening instanceof Promise ? await opening : opening;
        const input = parseWith(tool.input, opened.input);
        if (!lookup || !input.ok) return answer("unknown");
        const startedAt = clock.now();
        const ask = async () => {
          const value = await within({ clock, tool, signal, holdMs: 0, patient: false, stray }, (inner) =>
            lookup(input.value as never, contextOf(key, command, opened.attributes, inner)),
          );
          return found().safeParse(value);
        };
        let parsed = await ask();
        if (parsed.data?.outcome === "never" && tool.settlesWithinMs !== undefined) {
          // Too early, `never` is only "not yet" (D7). Where the last dispatch is not known it was not later than now.
          const settledAt = (command.since ?? startedAt) + tool.settlesWithinMs;
          const waitMs = settledAt - clock.now();
          if (waitMs > tool.timeoutMs + dispatchWindowMs) return answer("unknown");
          if (waitMs > 0) {
            await until(settledAt, { clock, signal });
            parsed = await ask();
          }
        }
        if (!parsed.success) return answer("unknown");
        if (parsed.data.outcome !== "found") return answer(parsed.data.outcome);
        const output = outputOf(tool, parsed.data.output);
        // It happened, whatever the look-up could tell of it.
        return answer("found", { output: output.ok ? output.value : null, labels: labelsOf(tool) });
      } catch {
        return answer("unknown"); // A look-up that fails has found nothing out (D7).
      }
    },
  };
}

/**
 * Runs a call under its deadline and signal. Resolves or rejects once; the call itself may go on unheard. A patient one
 * passes an abort on and waits for what the tool makes of it, until its deadline: a write that knows its outcome shall
 * be able to say so.
 */
async function within<T>(
  options: {
    readonly clock: Clock;
    readonly tool: AnyTool;
    readonly signal: StopSignal;
    readonly patient: boolean;
    /** How long a person may be waited for, which is not the tool's time. */
    readonly holdMs: number;
    readonly stray: ((thrown: unknown) => void) | undefined;
  },
  run: (signal: AbortSignal, time: Patience) => T | Promise<T>,
): Promise<T> {
  const { clock, signal, patient, holdMs } = options;
  const { name: tool, timeoutMs } = options.tool;
  const own = quietController(options.stray);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onDue = () => {
    reject(new OrchestrationError("tool/timeout", { tool, timeoutMs }));
    own.abort();
  };
  const time = patience({ clock, timeoutMs, holdMs, onDue });
  const onAbort = () => {
    if (!patient) reject(new OrchestrationError("tool/cancelled", { tool }));
    own.abort();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([Promise.resolve().then(() => run(own.signal, time)), stopped]);
  } finally {
    time.stop();
    signal.removeEventListener("abort", onAbort);
  }
}

/** What a tool says is labelled as it asks for, or else as that tool's (R9). */
function labelsOf({ labels, name }: AnyTool): LabelTable {
  return { "": labels.length > 0 ? labels : [`tool:${name}`] };
}

/** The same with labels of parts, each beside those that the tool asks for. */
function withParts(tool: AnyTool, parts: LabelTable): LabelTable {
  const made: Record<string, readonly string[]> = { ...labelsOf(tool) };
  for (const [pointer, labels] of Object.entries(parts)) made[pointer] = unionOf(tool.labels, labels);
  return made;
}

/** True when one tier asks for less than another. */
function isLaxer(tier: Tier, than: Tier): boolean {
  const order: readonly Tier[] = ["none", "compliance", "person"];
  return order.indexOf(tier) < order.indexOf(than);
}

/** Resolves at a time; rejects with the signal's reason when it aborts before. */
async function until(
  dueAt: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: StopSignal },
): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = clock.at(dueAt, resolve);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
  }
}

function starterOf({
  principal,
  conversationId,
  labels,
}: CallToolCommand): Pick<ToolContext, "principal" | "conversationId" | "labels"> {
  return {
    ...(principal === undefined ? {} : { principal }),
    ...(conversationId === undefined ? {} : { conversationId }),
    ...(labels === undefined ? {} : { labels }),
  };
}
