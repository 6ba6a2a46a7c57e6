import { type Json, plainJson } from "../json.ts";
import type { Policy } from "../policy/policy.ts";
import type { EarlierCall, PolicyEdge } from "../policy/request.ts";
import { parseWith } from "../schema.ts";
import type { AnyTool } from "../tool.ts";
import type { Call, Work } from "./state.ts";

/**
 * What a run remembers of its own calls for the rules that want something to come before (`after`). Nothing is kept where no
 * rule looks back, and nothing of tools that none looks back to.
 */

/** Bytes of JSON, about, that are kept of the calls of one tool. What goes beyond is not remembered, and opens nothing (P4). */
export const earlierBytesMax = 1024 * 1024;

/** Keeps a call that has returned. */
export function keepEarlier(work: Work, { tool, agent, path, input }: Call, output: Json): void {
  if (work.looksBack.length === 0 || !work.looksBack.some(({ to }) => to.has(tool.name))) return;
  const { earlier, earlierBytes } = work.state;
  const one: EarlierCall = { tool: tool.name, agent, path, arguments: argumentsOf(tool, input), output };
  const bytes = (earlierBytes[tool.name] ?? 0) + JSON.stringify(one).length;
  if (bytes > earlierBytesMax) return;
  earlierBytes[tool.name] = bytes;
  earlier.push(one);
}

/** As a rule about that call has seen them. */
function argumentsOf(tool: AnyTool, input: Json): Json {
  const parsed = parseWith(tool.input, input);
  const plain = parsed.ok ? plainJson(parsed.value) : parsed;
  return plain.ok ? plain.value : input;
}

/** What these policies are told of it when they are asked on an edge; absent where none looks back from there. */
export function earlierFor(
  work: Work,
  policies: readonly Policy[],
  edge: PolicyEdge,
  tool?: string,
): { readonly earlier?: readonly EarlierCall[] } {
  if (work.looksBack.length === 0) return {};
  const wanted = policies.flatMap(({ looksBack }) => (looksBack ? [...looksBack.about(edge, tool)] : []));
  if (wanted.length === 0) return {};
  return { earlier: work.state.earlier.filter((one) => wanted.includes(one.tool)) };
}
