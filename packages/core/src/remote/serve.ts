import type { z } from "zod";
import type { AnyAgent } from "../agent.ts";
import { OrchestrationError, reasonOf } from "../errors.ts";
import type { Grant } from "../grant.ts";
import { checkGrant } from "../grant.ts";
import { harmlessLogger } from "../harmless.ts";
import { randomIds } from "../ids.ts";
import { canonicalJson, type Json } from "../json.ts";
import { regularly } from "../regularly.ts";
import { isEnd } from "../run/empty.ts";
import { defineSupervisor } from "../supervisor/definition.ts";
import { grantable } from "../supervisor/grantable.ts";
import type { RuntimeOptions, SupervisorOptions } from "../supervisor/options.ts";
import type { Supervisor } from "../supervisor/services.ts";
import { supervise } from "../supervisor/supervisor.ts";
import type { AnyTool } from "../tool.ts";
import type { Caller } from "./admission.ts";
import type { AnySpecialist } from "./contract.ts";
import { directory, type LeftEvent, type Served } from "./directory.ts";

/** What a specialist's owner decides on beside its agent: the same as for any supervisor. */
type OwnersRules = Pick<
  SupervisorOptions<Record<string, AnyAgent>, string, string, readonly []>,
  "version" | "limits" | "approvals" | "policy" | "judges" | "flows" | "answers" | "trusted" | "onFailure"
> & { readonly budget?: SupervisorOptions<Record<string, AnyAgent>, string, string, readonly []>["budget"] };

/** An agent, or a team behind one name, that keeps a contract. */
type Keeps<Of extends AnySpecialist> = AnyAgent & { readonly input: Of["input"]; readonly output: Of["output"] };

/** Names of the tools of an agent that write. */
type Writes<Of extends AnyAgent> = Extract<Of["tools"][number], { readonly effect: "write" }>["name"];

export type ServeOptions<Of extends AnySpecialist, By extends AnyAgent> = OwnersRules &
  RuntimeOptions<By["model"]> & {
    /** The contract that its callers hold. */
    readonly specialist: Of;
    /** Who does the work. What it may write stands in the contract. */
    readonly agent: By;
    /**
     * Who may delegate, by name, and what is done for each of them at most. Absent: development mode, in which whoever
     * reaches the engine is served, and nobody counts as authenticated.
     */
    readonly callers?: { readonly [name: string]: Caller };
    /** What is done for anybody at most, whatever they were granted (R6). */
    readonly allows?: Grant<By["tools"][number]["name"]>;
  };

/** A specialist at an engine. */
export interface ServedSpecialist<Input = unknown, Output = unknown> {
  readonly specialist: AnySpecialist;
  /** The supervisor of its runs: approvals, restrictions, costs and replay as of any other. It starts none itself. */
  readonly supervisor: Omit<Supervisor<Input, Output>, "start">;
  /**
   * Says to callers that this deployment takes what is new, and goes on with what an earlier process of it has left.
   * @throws OrchestrationError `journal/unavailable`, `engine/closed`, `definition/waiting-runs`
   */
  readonly ready: () => Promise<void>;
  /** Takes nothing new any more; what it has begun goes on here. Another deployment of the specialist takes over, if one is there. */
  readonly withdraw: () => Promise<void>;
  /** Stops looking for what was left by processes that cannot reach this one. The engine is its owner's to close. */
  readonly close: () => void;
  readonly [Symbol.dispose]: () => void;
}

/**
 * Puts an agent to work for supervisors of other deployments, under a contract that both sides hold. Each delegation is a run
 * of its own here, with this deployment's tools, policy, approvals, budgets and definition: it is deployed and scaled without
 * its callers.
 * @throws OrchestrationError `specialist/contract-broken`, `supervisor/*`, `limits/*`, `audit/key-invalid`, and as
 *   `runSupervisor`
 */
export function serveSpecialist<const Of extends AnySpecialist, const By extends Keeps<Of>>(
  options: ServeOptions<Of, By> &
    (Writes<By> extends keyof Of["tools"] ? unknown : { readonly agent: "a tool that writes is not in the contract" }),
): ServedSpecialist<z.input<Of["input"]>, z.output<Of["output"]>>;
export function serveSpecialist(options: ServeOptions<AnySpecialist, AnyAgent>): ServedSpecialist<unknown, unknown> {
  const { specialist, agent, callers, allows, engine } = options;
  assertKept(specialist, agent);
  const tools = grantable(agent);
  checkGrant(allows, tools, `the specialist ${specialist.name}`);
  for (const [name, { grant }] of Object.entries(callers ?? {})) checkGrant(grant, tools, `the caller ${name}`);
  const { version, limits, approvals, policy, judges, flows, answers, trusted, onFailure, budget } = options;
  const definition = defineSupervisor({
    ...defined({ version, limits, approvals, policy, judges, flows, answers, trusted, onFailure, budget }),
    name: specialist.name,
    agents: { [agent.name]: agent },
    entry: agent.name,
    exit: agent.name,
    handoffs: [],
  });
  const rules = {
    specialist,
    ...(callers === undefined ? {} : { callers }),
    ...(allows === undefined ? {} : { allows }),
  };
  const logger = harmlessLogger(options.logger);
  if (!callers) {
    logger.info({ specialist: specialist.address }, "development mode: no callers are known, everybody is served");
  }
  const { start: _, ...supervisor } = supervise(definition, options, rules);
  const ids = options.ids ?? randomIds();
  const found = directory({ journal: engine.journal, now: () => engine.clock.now(), salt: ids.salt });
  const served: Served = {
    specialist: specialist.address,
    contract: specialist.hash,
    definition: `${definition.name}@${definition.hash}`,
  };

  let after = 0;
  let taking = false;
  let looking: { readonly cancel: () => void } | undefined;
  /** Puts what was left for this deployment into its runs, in the order in which it was left. */
  const take = async () => {
    const { events, seq } = await found.left(specialist.address, after);
    for (const left of events) {
      if (left.definition === served.definition) await hand(left);
      after = left.seq;
    }
    after = seq;
  };
  const hand = async (left: LeftEvent) => {
    const { tenant, run } = left;
    const record = await engine.journal.findRun(tenant, run);
    // A new process reads the box from its beginning: what has ended hears nothing more, and may be erased.
    if (record && isEnd(record.status)) return;
    const event = await found.eventOf(left);
    if (!event || (event.type === "run.started" && record)) return;
    try {
      await engine.deliver({ tenant, runId: run }, left.definition, event);
    } catch (thrown) {
      if (!OrchestrationError.is(thrown) || thrown.retryable) throw thrown;
      // One run that cannot be gone on with is no reason to leave those behind it in the box.
      const { code, message: reason } = thrown;
      logger.error(
        { specialist: specialist.address, runId: run, code, reason },
        "what was left for a run is of no use",
      );
    }
  };
  const look = () => {
    if (taking) return;
    taking = true;
    take()
      .catch((thrown: unknown) => {
        logger.warn({ specialist: specialist.address, reason: reasonOf(thrown) }, "what was left could not be taken");
      })
      .finally(() => {
        taking = false;
      });
  };

  return {
    specialist,
    supervisor: supervisor as Omit<Supervisor<unknown, unknown>, "start">,
    ready: async () => {
      await supervisor.resume();
      await found.serve(served);
      if (!engine.shared || engine.routes || looking) return;
      look();
      looking = regularly(engine.clock, look);
    },
    withdraw: () => found.withdraw(served),
    close: () => {
      looking?.cancel();
      looking = undefined;
    },
    [Symbol.dispose]() {
      this.close();
    },
  };
}

/** @throws OrchestrationError `specialist/contract-broken` for an agent that takes, gives or may do something else */
function assertKept(specialist: AnySpecialist, agent: AnyAgent): void {
  const broken = (reason: string) =>
    new OrchestrationError("specialist/contract-broken", { specialist: specialist.address, agent: agent.name, reason });
  for (const side of ["inputSchema", "outputSchema"] as const) {
    if (canonicalJson(specialist[side] as Json) === canonicalJson(agent[side] as Json)) continue;
    throw broken(side === "inputSchema" ? "it takes something else" : "it gives something else");
  }
  if (agent.remote) throw broken("it works elsewhere itself");
  const tools: ReadonlyMap<string, AnyTool> = grantable(agent);
  for (const [name, { effect }] of Object.entries(specialist.tools)) {
    const tool = tools.get(name);
    if (!tool) throw broken(`it has no tool ${name}`);
    if (tool.effect !== effect) throw broken(`its tool ${name} is one that ${tool.effect}s`);
  }
  for (const { name, effect } of tools.values()) {
    if (effect === "write" && !Object.hasOwn(specialist.tools, name)) {
      throw broken(`its tool ${name} writes, and stands not in the contract`);
    }
  }
}

/** The members that are there. */
function defined<Members extends object>(
  members: Members,
): { [Key in keyof Members]?: Exclude<Members[Key], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
