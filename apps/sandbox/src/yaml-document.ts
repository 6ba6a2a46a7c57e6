import { reasonOf } from "@remit/core";
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";

/** A YAML file that a person wrote, with the lines that its errors name. */
export interface YamlDocument {
  /** Read when it is asked for, because aliases that multiply are found then. */
  readonly value: () => unknown;
  /** Line of the field at a path, or of the nearest one around it that is there. Counts from 1. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** @param refuse makes the error of a text that is not YAML */
export function readYaml(
  text: string,
  refuse: (fault: { readonly line: number; readonly reason: string; readonly cause: unknown }) => Error,
): YamlDocument {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const [fault] = parsed.errors;
  if (fault) {
    const { line } = lines.linePos(fault.pos[0]);
    throw refuse({ line, reason: fault.message.split("\n")[0] ?? "", cause: fault });
  }
  return {
    value: () => {
      try {
        const value: unknown = parsed.toJS();
        if (holdsItself(value)) throw new Error("an alias stands inside of what it names");
        return value;
      } catch (cause) {
        // Aliases that multiply, or that name nothing.
        throw refuse({ line: 1, reason: reasonOf(cause), cause });
      }
    },
    lineOf: (path) => {
      for (let length = path.length; length > 0; length--) {
        const around: unknown = length === 1 ? parsed.contents : parsed.getIn(path.slice(0, length - 1), true);
        const last = path[length - 1];
        const pair = isMap(around) ? around.items.find(({ key }) => isScalar(key) && key.value === last) : undefined;
        const node: unknown = pair ? pair.key : isSeq(around) ? around.items[Number(last)] : undefined;
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
      }
      return 1;
    },
  };
}

/** YAML can write a list that is a member of itself; nobody means that, and whoever walks it never comes to an end. */
function holdsItself(value: unknown, around: readonly object[] = []): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (around.includes(value)) return true;
  return Object.values(value).some((member) => holdsItself(member, [...around, value]));
}

/** The one thing to mend first. A field that does not exist explains the one that is missing, so it comes first. */
export function firstFault({ issues }: z.ZodError): { readonly path: readonly PropertyKey[]; readonly reason: string } {
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  const path = issue?.path ?? [];
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  return unknown === undefined
    ? { path, reason: issue?.message ?? "wrong" }
    : { path: [...path, unknown], reason: "there is no such field" };
}

/** A path as a person reads it. */
export function fieldText(path: readonly PropertyKey[]): string {
  return path.map(String).join(".") || "the file";
}
