import { readFileSync } from "node:fs";
import { type Gate, namedKpi, readGate } from "@remit/core/kpi";
import { z } from "zod";
import { SandboxError } from "../errors.ts";
import { fieldText, firstFault, readYaml } from "../yaml-document.ts";
import type { Place } from "./place.ts";

export interface GateWish {
  readonly gate?: readonly string[];
  readonly gates?: string;
}

const list = z.array(z.string()).min(1).max(1_000);
const bytesMost = 1_000_000;

/** The bounds of `--gate`, then those of the file that `--gates` names. @throws SandboxError `usage/wrong` */
export function gatesOf({ gate = [], gates: file }: GateWish, place: Place): readonly Gate[] {
  const given = gate.map((text) => gateOf(text, "--gate"));
  return file === undefined ? given : [...given, ...gatesIn(place.resolve(file))];
}

function gateOf(text: string, where: string): Gate {
  const read = readGate(text);
  if (read.ok) return read.gate;
  throw new SandboxError("usage/wrong", { reason: `${where}: ${read.reason}` });
}

function gatesIn(file: string): readonly Gate[] {
  const wrong = (where: string, reason: string, cause?: unknown) =>
    new SandboxError("usage/wrong", { reason: `--gates ${where}: ${reason}` }, { cause });
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw wrong(file, "there is no such file, or it cannot be read", cause);
  }
  if (text.length > bytesMost) throw wrong(file, "it is too long for a list of gates");
  const document = readYaml(text, ({ line, reason, cause }) => wrong(`${file}:${line}`, `not YAML: ${reason}`, cause));
  const parsed = list.safeParse(document.value());
  if (!parsed.success) {
    const { path, reason } = firstFault(parsed.error);
    throw wrong(`${file}:${document.lineOf(path)}`, `a list of gates is wanted: ${fieldText(path)}: ${reason}`);
  }
  return parsed.data.map((one, index) => gateOf(one, `--gates ${file}:${document.lineOf([index])}`));
}

/**
 * A gate about a tag that none of the scenarios has is a slip, and would be missed for ever.
 * @throws SandboxError `usage/wrong`
 */
export function assertTags(gates: readonly Gate[], scenarios: readonly { readonly tags: readonly string[] }[]): void {
  const tags = new Set(scenarios.flatMap((scenario) => scenario.tags));
  for (const { name, of, text } of gates) {
    if (of === undefined || namedKpi(name).per !== undefined || tags.has(of)) continue;
    const known = [...tags].sort().join(", ");
    throw new SandboxError("usage/wrong", {
      reason: `--gate ${text}: no scenario has the tag ${of}; there are ${known === "" ? "none" : known}`,
    });
  }
}
