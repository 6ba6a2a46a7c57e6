import type { Scenario } from "@remit/core/testing";
import { nearest } from "../face/nearest.ts";

/** What a scenario may name. What is absent is not looked at. */
export interface KnownNames {
  readonly agents?: readonly string[] | undefined;
  readonly tools?: readonly string[] | undefined;
}

/** A name that nobody has, and where it stands. */
export interface Stranger {
  readonly path: readonly (string | number)[];
  readonly reason: string;
}

/**
 * The first agent or tool that a scenario expects something of and that there is not: a misspelt one would be told only at
 * the end, as something that did not happen, or, where it must not happen, never. A call that is denied may be of a tool
 * that there is not, where the script asks for it.
 */
export function strangerIn(
  { expect, script, external }: Pick<Scenario, "expect" | "script" | "external">,
  { agents, tools }: KnownNames,
): Stranger | undefined {
  const called = script.flatMap(({ parts }) => parts.flatMap((part) => (part.type === "toolCall" ? [part.tool] : [])));
  const anyTool = tools && [...tools, ...called];
  const decisions = external.flatMap((one) => ("tool" in one ? [one.tool] : []));
  const all: (readonly [readonly (string | number)[], string, "agent" | "tool", readonly string[] | undefined])[] = [
    ...script.map(({ agent }, index) => [["script", index, agent], agent, "agent", agents] as const),
    ...decisions.map((tool, index) => [["approver", index, "tool"], tool, "tool", tools] as const),
    ...(expect.path ?? []).map((agent, index) => [["expect", "path", index], agent, "agent", agents] as const),
    ...(expect.reads ?? []).map((tool, index) => [["expect", "reads", index], tool, "tool", tools] as const),
    ...(expect.writes ?? []).map((tool, index) => [["expect", "writes", index], tool, "tool", tools] as const),
    ...(expect.denied ?? []).flatMap(
      ({ agent, tool }, index) =>
        [
          [["expect", "denied", index, "agent"], agent, "agent", agents],
          [["expect", "denied", index, "tool"], tool, "tool", anyTool],
        ] as const,
    ),
    ...(expect.approvals ?? []).map(
      ({ tool }, index) => [["expect", "approvals", index, "tool"], tool, "tool", tools] as const,
    ),
  ];
  for (const [path, name, kind, known] of all) {
    if (known === undefined || known.includes(name)) continue;
    return { path, reason: `there is no ${kind} ${JSON.stringify(name)}; ${meant(name, kind, [...new Set(known)])}` };
  }
  return undefined;
}

function meant(name: string, kind: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? `the ${kind}s are ${known.join(", ")}` : `did you mean ${near}?`;
}
