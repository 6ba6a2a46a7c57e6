import type { Command } from "../command.ts";
import { type ErrorRecord, OrchestrationError } from "../errors.ts";
import type { InputBodies, InputEvent, LabelTable, ResponsePart } from "../event.ts";
import type { Json } from "../json.ts";
import type { Issue } from "../schema.ts";
import type { SupervisorDefinition } from "../supervisor/definition.ts";
import { findAgent } from "../supervisor/find-agent.ts";
import type { AnyTool } from "../tool.ts";
import type { declarations } from "./declarations.ts";
import { type SealContext, sealJson, sealPointer, sealText, textsIn } from "./sealer.ts";
import type { SealRules } from "./settings.ts";
import type { Vault } from "./vault.ts";

/** What of each input of a run may hold values, and by which declarations these are sealed. It keeps nothing and reads nothing. */

/** What the run knows of where an input belongs. */
export interface InputPlace {
  readonly commandOf: (id: string) => Command | undefined;
  /** The tool of a call, by its path. */
  readonly toolAt: (path: string) => AnyTool | undefined;
  /** The edge whose question an answer is for. */
  readonly edgeOf: (ask: string) => string | undefined;
}

/** For a model's own sealed thinking: it is shown to nobody but whoever made it. */
export const reasoningClass = "reasoning";

/** Seals inputs of the runs of one definition. */
export function sealedInputs(
  definition: SupervisorDefinition,
  declared: ReturnType<typeof declarations>,
  rules: SealRules,
) {
  const errorIn = (error: ErrorRecord, context: SealContext) =>
    sealJson(error as unknown as Json, undefined, context) as unknown as ErrorRecord;

  const partsIn = (
    parts: readonly ResponsePart[],
    agentName: string,
    context: SealContext,
  ): readonly ResponsePart[] => {
    const agent = findAgent(definition, agentName);
    const output = agent && declared.output(agent);
    const speaks = parts.every(({ type }) => type === "text" || type === "reasoning");
    const spoken = speaks && (output || hides(parts)) ? asJson(parts) : undefined;
    if (spoken !== undefined) {
      // An answer that is a JSON text is read as one: its members have their classes too.
      const sealed = throughout(spoken, context.vault, (said) => sealJson(said, output, context));
      if (output || sealed !== spoken) {
        const text = JSON.stringify(sealed);
        return [...sealedReasoning(parts, context), { type: "text", text: output ? text : sealText(text, context) }];
      }
    }
    return parts.map((part): ResponsePart => {
      switch (part.type) {
        case "text":
          return { ...part, text: sealText(part.text, context) };
        case "toolCall": {
          const tool = agent?.tools.find(({ name }) => name === part.tool);
          // Both are the model's own words, too: a name that nobody has, an id that is none.
          const callId = sealText(part.callId, context);
          const called = tool ? part.tool : sealText(part.tool, context);
          return { ...part, callId, tool: called, input: sealJson(part.input, tool && declared.input(tool), context) };
        }
        case "output":
          return { ...part, value: sealJson(part.value, output, context) };
        case "ask":
          return { ...part, question: sealText(part.question, context) };
        case "refusal":
          return { ...part, reason: sealText(part.reason, context) };
        case "reasoning":
          return sealedReasoning([part], context)[0] ?? part;
        default:
          return { ...part, media: sealJson({ ...part.media }, undefined, context) as unknown as typeof part.media };
      }
    });
  };

  /** Signed thinking is given back whole or not at all: it is sealed as a whole, where it holds anything. */
  const sealedReasoning = (parts: readonly ResponsePart[], context: SealContext): ResponsePart[] =>
    parts.flatMap((part): ResponsePart[] => {
      if (part.type !== "reasoning") return [];
      if (
        typeof part.data === "string" &&
        context.vault.known(part.data).some(({ class: kind }) => kind === reasoningClass)
      ) {
        return [part];
      }
      const text = JSON.stringify(part.data);
      // A value that has a line break or a quotation mark stands in there as it is written in JSON.
      const holds = [text, textsIn(part.data)].some((said) => {
        const known = context.vault.isEmpty() ? [] : context.vault.known(said);
        return (
          known.some(({ isValue }) => isValue) ||
          rules.detection.find(said).some(({ start, end }) => {
            return !known.some((one) => one.start <= start && one.end >= end);
          })
        );
      });
      if (!holds) return [part];
      const reversibly = rules.actionOf(context.tenant, reasoningClass) === "seal";
      return [{ ...part, data: context.vault.seal(reasoningClass, text, reversibly) }];
    });

  /** Labels stand at names of members, and those may be values. */
  const labelsIn = (labels: LabelTable, context: SealContext): LabelTable => {
    const places = Object.entries(labels);
    if (places.every(([pointer]) => pointer === "")) return labels;
    return Object.fromEntries(places.map(([pointer, some]) => [sealPointer(pointer, context), some]));
  };

  const sealInput = (event: InputEvent, place: InputPlace, context: SealContext): InputEvent => {
    const sealed = sealBody(event, place, context);
    if (!("labels" in sealed.body) || sealed.body.labels === undefined || sealed.type === "delegation.ended")
      return sealed;
    return { ...sealed, body: { ...sealed.body, labels: labelsIn(sealed.body.labels, context) } } as InputEvent;
  };

  const sealBody = (event: InputEvent, place: InputPlace, context: SealContext): InputEvent => {
    const toolOf = (command: string): AnyTool | undefined => {
      const sent = place.commandOf(command);
      return sent && "tool" in sent ? definition.tools.get(sent.tool) : undefined;
    };
    const outputOf = (tool: AnyTool | undefined, output: Json) =>
      sealJson(output, tool && declared.output(tool), context);
    switch (event.type) {
      case "run.started": {
        const { body } = event;
        const entry = definition.agents.get(definition.entry);
        const { attributes, compensates, delegation } = body;
        const refused = delegation?.refused && errorIn(delegation.refused, context);
        const input = body.compensates ? body.input : sealJson(body.input, entry && declared.input(entry), context);
        const undos = compensates?.undos.map((undo) => {
          const tool = definition.tools.get(undo.tool);
          return { ...undo, input: sealJson(undo.input, tool && declared.input(tool), context) };
        });
        return {
          ...event,
          body: {
            ...body,
            input,
            ...(attributes ? { attributes: sealJson({ ...attributes }, undefined, context) as typeof attributes } : {}),
            ...(compensates && undos ? { compensates: { ...compensates, undos } } : {}),
            ...(delegation && refused ? { delegation: { ...delegation, refused } } : {}),
          },
        };
      }
      case "approval.decided": {
        const { body } = event;
        const tool = place.toolAt(body.effect);
        const input =
          body.input === undefined ? undefined : sealJson(body.input, tool && declared.input(tool), context);
        const reason = sealText(body.reason, context);
        return { ...event, body: { ...body, reason, ...(input === undefined ? {} : { input }) } };
      }
      case "question.asked": {
        const asks = sealJson(event.body.asks as unknown as Json, undefined, context);
        return { ...event, body: { ...event.body, asks: asks as unknown as InputBodies["question.asked"]["asks"] } };
      }
      case "question.answered": {
        const { body } = event;
        const answer = sealJson(body.answer as unknown as Json, undefined, context) as unknown as typeof body.answer;
        return { ...event, body: { ...body, answer, reason: sealText(body.reason, context) } };
      }
      case "model.responded": {
        const sent = place.commandOf(event.body.command);
        const agent = sent && "agent" in sent ? sent.agent : "";
        return { ...event, body: { ...event.body, parts: partsIn(event.body.parts, agent, context) } };
      }
      case "model.failed":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "budget.refused":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "tool.failed":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "tool.returned": {
        const { body } = event;
        return { ...event, body: { ...body, output: outputOf(toolOf(body.command), body.output) } };
      }
      case "effect.looked-up": {
        const { body } = event;
        if (body.output === undefined) return event;
        return { ...event, body: { ...body, output: outputOf(toolOf(body.command), body.output) } };
      }
      case "effect.decided": {
        const { body } = event;
        const output = body.output === undefined ? {} : { output: outputOf(place.toolAt(body.effect), body.output) };
        return { ...event, body: { ...body, ...output, reason: sealText(body.reason, context) } };
      }
      case "input.received": {
        const { body } = event;
        const edge = place.edgeOf(body.ask);
        return { ...event, body: { ...body, answer: sealJson(body.answer, declared.answer(edge), context) } };
      }
      case "cancel.requested":
        return { ...event, body: { ...event.body, reason: sealText(event.body.reason, context) } };
      case "delegation.ended": {
        const { body } = event;
        const sent = place.commandOf(body.command);
        const agent = sent && "agent" in sent ? definition.agents.get(sent.agent) : undefined;
        const { end } = body;
        const sealed =
          end.status === "completed"
            ? { ...end, output: sealJson(end.output, agent && declared.output(agent), context) }
            : (sealJson(end as unknown as Json, undefined, context) as unknown as typeof end);
        return { ...event, body: { ...body, end: sealed } };
      }
      case "delegation.refused":
        return { ...event, body: { ...event.body, error: errorIn(event.body.error, context) } };
      case "delegation.accepted":
      case "delegation.recalled":
      case "run.resumed":
      case "run.migrated":
      case "restrictions.changed":
      case "budget.reserved":
      case "budget.returned":
      case "timer.fired":
        return event;
    }
  };

  /** What holds a value of a refused class has failed; whoever made it gets to know why. */
  const refuse = (event: InputEvent, issues: readonly Issue[], place: InputPlace): InputEvent => {
    const told = issues.slice(0, 20) as unknown as Json;
    if (event.type === "tool.returned") {
      const { command, labels, durationMs } = event.body;
      const sent = place.commandOf(command);
      const tool = sent && "tool" in sent ? sent.tool : "?";
      const error = new OrchestrationError("tool/output-invalid", { tool, issues: told }).toRecord();
      const mayHaveExecuted = sent?.type === "callTool" && sent.effect === "write";
      return { ...event, type: "tool.failed", body: { command, error, mayHaveExecuted, labels, durationMs } };
    }
    if (event.type === "model.responded") {
      const { command, model, usage, cost, choice } = event.body;
      const error = new OrchestrationError("model/response-invalid", { model, reason: reasonOf(issues) }).toRecord();
      const told = { ...(usage ? { usage } : {}), ...(cost ? { cost } : {}), ...(choice ? { choice } : {}) };
      return { ...event, type: "model.failed", body: { command, model, error, ...told } };
    }
    // What people say stays, masked: it is their word, and they are not there to say it again.
    return event;
  };

  return {
    /** An input as it may be journaled. */
    event: sealInput,
    /** What a model said to an agent. */
    parts: partsIn,
    /** The input in the place of one that holds what is refused. */
    refuse,
  };
}

/** Seals a value, and once more where something that was come upon further on is left before its place. */
export function throughout<Value>(value: Value, vault: Vault, seal: (value: Value) => Value): Value {
  const size = vault.size();
  const sealed = seal(value);
  if (vault.size() === size) return sealed;
  return vault.known(textsIn(sealed as Json)).some(({ isValue }) => isValue) ? seal(sealed) : sealed;
}

export const reasonOf = ([first]: readonly Issue[]): string => `${first?.pointer || "/"}: ${first?.message ?? ""}`;

/** A JSON text says something else than one sees in it where it has escapes, or comes in pieces. */
function hides(parts: readonly ResponsePart[]): boolean {
  const texts = parts.filter(({ type }) => type === "text");
  return texts.length > 1 || texts.some((part) => part.type === "text" && part.text.includes("\\"));
}

function asJson(parts: readonly ResponsePart[]): Json | undefined {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
  if (!/^\s*[[{"]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined; // It is no answer, and says so itself.
  }
}
