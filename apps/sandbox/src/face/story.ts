import type { Cost, Entry, Json, Principal, Spend, Undo } from "@remit/core";
import {
  type Beat,
  ending,
  errorText,
  fault,
  labelsIn,
  machine,
  modelWords,
  named,
  type Told,
  textIn,
  unwrapped,
} from "./beat.ts";
import { gateTold, type Known, nameOf, spendText } from "./gates.ts";
import { glance } from "./glance.ts";

/**
 * Tells the entries of one run, in their order, each as one beat. Keeps what later entries refer to (which tool a
 * command calls, who asked), so one teller tells one run from its first entry.
 */
export class StoryTeller {
  readonly #calls = new Map<string, { readonly agent: string; readonly tool: string; readonly effect: string }>();
  readonly #asks = new Map<string, { readonly of: string; readonly by: string }>();
  readonly #models = new Map<string, string>();
  /** What was set aside, by the model call that it is for. */
  readonly #reserved = new Map<string, Spend>();
  readonly #keys = new Map<string, string>();
  /** Judges of effects, by the path of the effect. */
  readonly #judges = new Map<string, string>();
  readonly #known: Known = {
    tool: (command) => this.#tool(command),
    agent: (command) => this.#calls.get(command)?.agent ?? this.#models.get(command) ?? machine,
    judge: (effect) => this.#judges.get(effect) ?? machine,
  };
  #starter = "customer";
  #taken: { readonly from: string; readonly edge: string } | undefined;

  tell(entry: Entry): Beat {
    const { seq, at } = entry;
    return { seq, at, detail: "", tone: "plain", main: true, marks: [], labels: [], ...this.#told(entry) };
  }

  #told(entry: Entry): Told {
    switch (entry.type) {
      case "run.started": {
        const { principal, input, supervisor, compensates, redrives, startAt } = entry.body;
        this.#starter = principal.kind === "user" ? "customer" : principal.kind;
        const text = textIn(input);
        if (compensates) return this.#undoing(principal, compensates);
        return {
          kind: "start",
          who: this.#starter,
          to: machine,
          title: text === undefined ? `starts ${supervisor}` : "writes",
          detail: text ?? glance(input),
          payload: input,
          marks: [
            nameOf(principal),
            ...(redrives === undefined ? [] : [`in the place of ${redrives}`]),
            ...(startAt === undefined ? [] : [`begins ${new Date(startAt).toISOString()}`]),
          ],
        };
      }
      case "handoff.delivered": {
        const { agent, edge, payload, labels, model, judges } = entry.body;
        if (judges !== undefined) {
          this.#judges.set(judges, agent);
          const title = `puts ${this.#tool(judges)} before ${agent}`;
          return { kind: "handoff", who: machine, to: agent, title, main: false, payload, labels: labelsIn(labels) };
        }
        const from = this.#taken?.edge === edge ? this.#taken.from : edge === "entry" ? this.#starter : machine;
        return {
          kind: "handoff",
          who: from,
          to: agent,
          title: `hands to ${agent}`,
          detail: glance(payload),
          payload,
          marks: [...(named(edge) ? [edge] : []), ...(model === undefined ? [] : [`model ${model}`])],
          labels: labelsIn(labels),
        };
      }
      case "handoff.rejected": {
        const { edge, to, error, side } = entry.body;
        return {
          kind: "fault",
          who: this.#taken?.edge === edge ? this.#taken.from : machine,
          title: `handoff to ${to.replace(/#\d+$/, "")} refused`,
          detail: errorText(error),
          tone: "bad",
          payload: error as unknown as Json,
          marks: [`by the ${side}'s contract`],
        };
      }
      case "handoff.returned": {
        const { agent, output, confidence } = entry.body;
        return {
          kind: "return",
          who: agent,
          to: machine,
          title: "answers",
          detail: glance(output),
          payload: output,
          main: !this.#isJudge(agent),
          marks: confidence === undefined ? [] : [`confidence ${confidence}`],
        };
      }
      case "agent.failed":
        return fault(entry.body.agent, "fails", entry.body.error);
      case "edge.chosen": {
        const { from, edge } = entry.body;
        this.#taken = { from, edge };
        return { kind: "edge", who: machine, title: `takes the edge "${edge}"`, detail: `from ${from}`, main: false };
      }
      case "model.called": {
        const { command, agent, alias, turn, reason } = entry.body;
        this.#models.set(command, agent);
        return {
          kind: "model",
          who: agent,
          title: `asks its model ${alias}`,
          main: false,
          marks: [`turn ${turn}`, ...(reason === "threshold" ? ["stronger, for low confidence"] : [])],
        };
      }
      case "model.responded": {
        const { command, model, parts, usage, cost } = entry.body;
        return {
          kind: "model",
          who: this.#models.get(command) ?? machine,
          title: `${model} ${modelWords(parts)}`,
          main: false,
          payload: parts as unknown as Json,
          marks: [
            ...(usage ? [`${usage.inputTokens} tokens in, ${usage.outputTokens} out`] : []),
            ...this.#costMarks(command, cost),
          ],
        };
      }
      case "model.failed": {
        const { command, error, cost } = entry.body;
        return {
          ...fault(this.#models.get(command) ?? machine, "has no model", error),
          marks: this.#costMarks(command, cost),
        };
      }
      case "budget.reserved": {
        const { command, amount } = entry.body;
        this.#reserved.set(command.slice(0, command.lastIndexOf("/budget@")), amount);
        return gateTold(entry, this.#known) ?? unknown(entry);
      }
      case "output.rejected": {
        const { agent, issues, repair } = entry.body;
        const [first] = issues;
        return {
          kind: "fault",
          who: agent,
          title: "answer breaks its contract, sent back",
          detail: first ? `${first.pointer || "the whole"}: ${first.message}` : "",
          tone: "warn",
          payload: issues as unknown as Json,
          marks: [`repair ${repair}`],
        };
      }
      case "tool.denied": {
        const { agent, tool, input, error, decision } = entry.body;
        return {
          kind: "denied",
          who: agent,
          title: `${tool} denied`,
          detail: errorText(error),
          tone: "bad",
          payload: input,
          marks: [`rule ${decision.ruleId}`],
        };
      }
      case "tool.called": {
        const { command, agent, tool, input, effect, attempt, decision } = entry.body;
        this.#calls.set(command, { agent, tool, effect });
        const key = this.#keys.get(command);
        return {
          kind: "call",
          who: agent,
          title: `${tool} allowed`,
          detail: glance(input),
          tone: "good",
          payload: input,
          marks: [
            effect,
            ...(key === undefined ? [] : [`key ${key}`]),
            `rule ${decision.ruleId}`,
            ...(attempt > 1 ? [`attempt ${attempt}`] : []),
          ],
        };
      }
      case "tool.returned": {
        const { command, output, durationMs, labels } = entry.body;
        const call = this.#calls.get(command);
        return {
          kind: "result",
          who: call?.agent ?? machine,
          title: `${call?.tool ?? command} returns`,
          detail: glance(unwrapped(output)),
          payload: output,
          marks: [`${durationMs} ms`],
          labels: labelsIn(labels),
        };
      }
      case "tool.failed": {
        const { command, error, mayHaveExecuted, durationMs } = entry.body;
        const call = this.#calls.get(command);
        return {
          kind: "fault",
          who: call?.agent ?? machine,
          title: `${call?.tool ?? command} ${error.code === "tool/refused" ? "says no" : "fails"}`,
          detail: errorText(error),
          tone: "warn",
          payload: error as unknown as Json,
          marks: [`${durationMs} ms`, ...(mayHaveExecuted ? ["may have happened"] : [])],
        };
      }
      case "effect.proposed": {
        const { effect, agent, tool } = entry.body;
        this.#calls.set(effect, { agent, tool, effect: "write" });
        return gateTold(entry, this.#known) ?? unknown(entry);
      }
      case "effect.intended": {
        const { effect, agent, tool, input, key, risk } = entry.body;
        this.#calls.set(effect, { agent, tool, effect: "write" });
        this.#keys.set(effect, key);
        return {
          kind: "effect",
          who: agent,
          title: `means to ${tool}`,
          detail: "noted under its key before it is sent",
          main: false,
          payload: input,
          marks: [`risk ${risk}`, `key ${key}`],
        };
      }
      case "effect.dispatched":
        return {
          kind: "effect",
          who: this.#calls.get(entry.body.effect)?.agent ?? machine,
          title: `sends ${this.#tool(entry.body.effect)} again`,
          detail: entry.body.via === "lookup" ? "as a lookup" : "under the same key",
          main: false,
          marks: [`attempt ${entry.body.attempt}`],
        };
      case "effect.settled": {
        const { effect, outcome } = entry.body;
        return {
          kind: "effect",
          who: this.#calls.get(effect)?.agent ?? machine,
          title: `${this.#tool(effect)} settled: ${outcome}`,
          tone: outcome === "done" ? "good" : "warn",
          main: false,
        };
      }
      case "effect.uncertain": {
        const { effect, tool, next } = entry.body;
        const ways = { key: "asked again under its key", lookup: "looked up", person: "left to a person" };
        return {
          kind: "effect",
          who: this.#calls.get(effect)?.agent ?? machine,
          title: `nobody knows whether ${tool} happened`,
          detail: `it is ${ways[next]}`,
          tone: "warn",
        };
      }
      case "effect.looked-up": {
        const { command, outcome, output } = entry.body;
        return {
          kind: "effect",
          who: machine,
          title: `looks up ${this.#tool(command)}: ${outcome}`,
          ...(output === undefined ? {} : { payload: output }),
        };
      }
      case "effect.decided": {
        const { effect, outcome, principal, reason } = entry.body;
        return {
          kind: "answer",
          who: principal.kind === "user" ? "customer" : principal.kind,
          to: machine,
          title: `says that ${this.#tool(effect)} ${outcome === "happened" ? "happened" : "never happened"}`,
          detail: reason,
          marks: [nameOf(principal)],
        };
      }
      case "input.requested": {
        const { ask, of, by, question } = entry.body;
        const asker = this.#taken && by === machine ? this.#taken.from : by;
        this.#asks.set(ask, { of, by: asker });
        return { kind: "question", who: asker, to: of, title: `asks the ${of}`, detail: question, payload: question };
      }
      case "input.received": {
        const { ask, answer, principal, labels } = entry.body;
        const asked = this.#asks.get(ask);
        return {
          kind: "answer",
          who: asked?.of ?? principal.kind,
          to: asked?.by ?? machine,
          title: "replies",
          detail: typeof answer === "string" ? answer : glance(answer),
          payload: answer,
          marks: [nameOf(principal)],
          labels: labelsIn(labels),
        };
      }
      case "run.parked": {
        const { waitingFor } = entry.body;
        return { kind: "pause", who: machine, title: "waits", detail: waitingFor.join(", "), main: false };
      }
      case "run.resumed": {
        const { lost } = entry.body;
        return {
          kind: "pause",
          who: machine,
          title: "is taken up again",
          detail: lost.length > 0 ? `what was under way is settled anew: ${lost.join(", ")}` : "nothing was under way",
          tone: "warn",
        };
      }
      case "cancel.requested": {
        const { reason, principal, subtree } = entry.body;
        const title = subtree === undefined ? "cancels" : `cancels ${subtree}`;
        return { kind: "answer", who: principal.kind, to: machine, title, detail: reason, tone: "warn" };
      }
      case "timer.fired":
        return { kind: "pause", who: machine, title: "time is up", detail: entry.body.timer, main: false };
      case "message.dead": {
        const { to, type, error, payload } = entry.body;
        const title = `message ${type} to ${to} is not deliverable`;
        return { kind: "fault", who: machine, title, detail: errorText(error), tone: "bad", payload };
      }
      case "limit.exceeded": {
        const { limit, bound } = entry.body;
        return { kind: "fault", who: machine, title: `limit ${limit} of ${bound} crossed`, tone: "bad" };
      }
      case "run.completed": {
        const { output } = entry.body;
        return ending("completed", textIn(output) ?? glance(output), output, "good");
      }
      case "run.denied":
      case "run.escalated": {
        const { reason, by, packet } = entry.body;
        const text = textIn(packet) ?? glance(packet);
        const status = entry.type === "run.denied" ? "denied" : "escalated";
        return { ...ending(status, text, packet, "warn"), marks: [reason, `by ${by}`] };
      }
      case "run.failed": {
        const { error, by } = entry.body;
        const told = ending("failed", errorText(error), error as unknown as Json, "bad");
        return { ...told, marks: [`by ${by}`] };
      }
      case "run.cancelled": {
        const { reason, openEffects } = entry.body;
        const open = openEffects.length > 0 ? [`open: ${openEffects.join(", ")}`] : [];
        return { ...ending("cancelled", reason, undefined, "warn"), marks: open };
      }
      default:
        return gateTold(entry, this.#known) ?? unknown(entry);
    }
  }

  #undoing(principal: Principal, { run, undos }: { readonly run: string; readonly undos: readonly Undo[] }): Told {
    return {
      kind: "start",
      who: this.#starter,
      to: machine,
      title: `undoes what ${run} did`,
      detail: undos.map(({ undoes, tool }) => `${undoes} by ${tool}`).join(", "),
      payload: undos as unknown as Json,
      marks: [nameOf(principal)],
    };
  }

  /** What a call cost as its outcome tells, or what counts for it where that does not say so. */
  #costMarks(command: string, cost: Cost | undefined): readonly string[] {
    if (cost) return [`${(cost.microUsd / 1e6).toFixed(6)} USD, ${cost.basis}`];
    const reserved = this.#reserved.get(command);
    return reserved ? [`counts as ${spendText(reserved)}, reserved`] : [];
  }

  #isJudge(agent: string): boolean {
    return [...this.#judges.values()].includes(agent);
  }

  #tool(command: string): string {
    return this.#calls.get(command)?.tool ?? command;
  }
}

/** An entry that no run has today: told by its name, so that a journal of tomorrow can still be looked at. */
function unknown(entry: Entry): Told {
  return { kind: "pause", who: machine, title: entry.type, payload: entry.body as unknown as Json };
}

/** The whole story of a run. */
export function storyOf(entries: readonly Entry[]): Beat[] {
  const teller = new StoryTeller();
  return entries.map((entry) => teller.tell(entry));
}
