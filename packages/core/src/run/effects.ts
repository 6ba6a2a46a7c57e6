import { reasonOf } from "../errors.ts";
import type { EntryBodies } from "../event.ts";
import { type Entry, endStatusOf, type Undo } from "../event.ts";
import { type Json, notJsonText, plainJson } from "../json.ts";
import { parseWith } from "../schema.ts";
import type { AnyTool } from "../tool.ts";

/** One write that a run proposed or made, and what became of it. */
export interface EffectRecord {
  /** Its path in the run. */
  readonly effect: string;
  readonly agent: string;
  readonly tool: string;
  readonly input: Json;
  readonly risk: "low" | "medium" | "high";
  /**
   * `waiting`: nothing was dispatched yet; `open`: it is under way; `uncertain`: nobody knows, a person decides;
   * `done`, `refused`, `failed`, `cancelled`: settled; `denied`: it was never made.
   */
  readonly outcome: "waiting" | "open" | "uncertain" | "denied" | EntryBodies["effect.settled"]["outcome"];
  /** What the tool answered, where it is known. */
  readonly output?: Json;
  /** How it can be undone: where it was done and its tool names a way back. */
  readonly undo?: { readonly tool: string; readonly input: Json };
  /** Why there is no way back though it was done and its tool names one: somebody has to undo it by hand. */
  readonly noUndo?: string;
}

/** Lists the writes of a run from its entries, in the order in which they were proposed. */
export function effectsOf(entries: readonly Entry[], tools: ReadonlyMap<string, AnyTool>): readonly EffectRecord[] {
  const found = new Map<string, Mutable>();
  const change = (effect: string, changes: Partial<Mutable>) => {
    const known = found.get(effect);
    if (known) found.set(effect, { ...known, ...changes });
  };
  for (const entry of entries) {
    switch (entry.type) {
      case "effect.proposed":
      case "effect.intended": {
        const { effect, agent, tool, input, risk } = entry.body;
        // An erased body says nothing any more, also not what was proposed.
        if (effect === undefined) break;
        // A policy may want a person for a read too; it changes nothing outside.
        if (tools.get(tool)?.effect === "read") break;
        const outcome = entry.type === "effect.intended" ? "open" : "waiting";
        found.set(effect, { effect, agent, tool, input, risk, outcome });
        break;
      }
      case "tool.returned":
        change(entry.path, { output: entry.body.output });
        break;
      case "effect.looked-up":
        if (entry.body.outcome === "found") change(entry.path, { output: entry.body.output ?? null });
        break;
      case "effect.decided":
        if (entry.body.outcome === "happened") change(entry.body.effect, { output: entry.body.output ?? null });
        break;
      case "effect.uncertain":
        change(entry.body.effect, { outcome: entry.body.next === "person" ? "uncertain" : "open" });
        break;
      case "effect.settled":
        change(entry.body.effect, { outcome: entry.body.outcome });
        break;
      case "tool.denied":
        change(entry.path, { outcome: "denied" });
        break;
      case "approval.edited":
        change(entry.body.effect, { outcome: "cancelled" });
        break;
      default:
    }
  }
  return [...found.values()].map((one) => ({ ...one, ...undoOf(one, tools.get(one.tool)) }));
}

type Mutable = { -readonly [Key in keyof EffectRecord]: EffectRecord[Key] };

function undoOf(
  { outcome, input, output }: EffectRecord,
  tool: AnyTool | undefined,
): Pick<EffectRecord, "undo" | "noUndo"> {
  if (outcome !== "done" || !tool?.undo) return {};
  const asked = parseWith(tool.input, input);
  if (!asked.ok) return { noUndo: "what was asked for does not fit the tool's input any more" };
  const answered = output === undefined ? undefined : parseWith(tool.output, output);
  if (!answered?.ok) return { noUndo: "what the tool answered is not known" };
  let made: unknown;
  try {
    made = tool.undo.input(asked.value, answered.value);
  } catch (thrown) {
    return { noUndo: `the \`input\` of its undo threw: ${reasonOf(thrown)}` };
  }
  const plain = plainJson(made);
  if (!plain.ok) return { noUndo: `the \`input\` of its undo gave something that is ${notJsonText(plain.fault)}` };
  return { undo: { tool: tool.undo.tool.name, input: plain.value } };
}

/** What can be undone of a run, the last write first. */
export function undosOf(effects: readonly EffectRecord[], only?: readonly string[]): readonly Undo[] {
  return effects
    .flatMap(({ effect, tool, undo }) =>
      undo && (only === undefined || only.includes(effect))
        ? [{ effect, undoes: tool, tool: undo.tool, input: undo.input }]
        : [],
    )
    .reverse();
}

/** Effects that were done, or of which nobody knows whether they were: a new run would do them again. */
export function standingEffects(effects: readonly EffectRecord[]): readonly EffectRecord[] {
  return effects.filter(({ outcome }) => outcome === "done" || outcome === "uncertain" || outcome === "open");
}

/** True for the entries of a run that has ended. */
export function hasEnded(entries: readonly Entry[]): boolean {
  return endStatusOf(entries.at(-1)?.type ?? "") !== undefined;
}
