import {
  type AnyAgent,
  defineAgent,
  defineHandoff,
  defineSupervisor,
  type Handoff,
  type SupervisorDefinition,
} from "@remit/core";
import { z } from "zod";
import { Tau2Error } from "./errors.ts";

/**
 * A diagnosis that was drawn as a graph (the part of DOT that such drawings use), and the team that works through it: one agent
 * a node, and from each the edges that the drawing has, chosen by what the customer said.
 */
export interface Workflow {
  readonly nodes: ReadonlyMap<string, { readonly id: string; readonly label: string }>;
  readonly edges: readonly WorkflowEdge[];
  readonly start: string;
  readonly ends: readonly string[];
}

export interface WorkflowEdge {
  readonly from: string;
  readonly to: string;
  /** What has to be said for it to be taken: its label, or that of where it leads. */
  readonly choice: string;
}

const charsMax = 1_000_000;
const nodesMax = 2_000;

const token =
  /\s+|\/\/[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|(->|--|[{}[\];,=])|"((?:[^"\\]|\\[\s\S])*)"|([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*|-?(?:\.\d+|\d+(?:\.\d*)?))/y;

/**
 * Reads a directed graph: nodes and edges with their labels, `a -> b -> c`, comments, defaults (`node [...]`) and settings, which
 * are passed over. Ports, HTML labels and subgraphs are refused.
 * @throws Tau2Error `tau2/file-broken`
 */
export function readWorkflow(text: string, file: string): Workflow {
  const broken = (problem: string, at: number) =>
    new Tau2Error("tau2/file-broken", `${file} line ${text.slice(0, at).split("\n").length}: ${problem}`, {
      data: { file, problem },
    });
  if (text.length > charsMax) throw broken(`it has more than ${charsMax} characters`, 0);
  const words = wordsOf(text, broken);
  let next = 0;
  const peek = () => words[next];
  const take = (wanted?: string) => {
    const word = words[next++];
    if (word === undefined) throw broken("it ends too early", text.length);
    if (wanted !== undefined && (word.quoted || word.text !== wanted))
      throw broken(`"${wanted}" should stand here`, word.at);
    return word;
  };
  const is = (mark: string) => peek()?.quoted === false && peek()?.text === mark;
  const nodes = new Map<string, { readonly id: string; readonly label: string }>();
  const edges: { from: string; to: string; label: string | undefined }[] = [];
  const node = (id: string, at: number, label?: string) => {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(id)) throw broken(`"${id}" can be no agent's name`, at);
    if (!nodes.has(id) || label !== undefined) nodes.set(id, { id, label: label ?? id });
    if (nodes.size > nodesMax) throw broken(`it has more than ${nodesMax} nodes`, at);
  };
  /** Attributes in brackets; the label alone counts. */
  const label = (): string | undefined => {
    let found: string | undefined;
    while (is("[")) {
      take("[");
      while (!is("]")) {
        const name = take().text;
        if (is("=")) {
          take("=");
          const value = take().text;
          if (name === "label") found = value;
        }
        if (is(",") || is(";")) take();
      }
      take("]");
    }
    return found;
  };
  if (is("strict")) take();
  take("digraph");
  if (!is("{")) take();
  take("{");
  while (!is("}")) {
    if (is(";")) {
      take();
      continue;
    }
    const first = take();
    if (!first.quoted && (first.text === "subgraph" || first.text === "{")) throw broken("it has a subgraph", first.at);
    if (is("=")) {
      take("=");
      take();
      continue;
    }
    if (!first.quoted && ["node", "edge", "graph"].includes(first.text)) {
      label();
      continue;
    }
    const chain = [first];
    while (is("->")) {
      take("->");
      chain.push(take());
    }
    const said = label();
    if (chain.length === 1) node(first.text, first.at, said);
    for (const [index, { text: to, at }] of chain.entries()) {
      if (chain.length === 1) break;
      node(to, at);
      const from = chain[index - 1];
      if (from) edges.push({ from: from.text, to, label: said });
    }
  }
  const isReached = new Set(edges.map(({ to }) => to));
  const starts = [...nodes.keys()].filter((id) => !isReached.has(id));
  const [start, other] = starts;
  if (start === undefined || other !== undefined) {
    throw broken(`one node should have no edge that leads to it, and it has ${starts.length}: ${starts.join(", ")}`, 0);
  }
  const leaves = new Set(edges.map(({ from }) => from));
  const chosen = edges.map(({ from, to, label: own }) => ({
    from,
    to,
    choice: (own ?? nodes.get(to)?.label ?? to).replaceAll(/\\[nlr]|\s+/g, " ").trim(),
  }));
  for (const [index, { from, choice }] of chosen.entries()) {
    if (chosen.slice(0, index).some((one) => one.from === from && one.choice === choice)) {
      throw broken(`two edges leave ${from} by "${choice}"`, 0);
    }
  }
  return { nodes, edges: chosen, start, ends: [...nodes.keys()].filter((id) => !leaves.has(id)) };
}

interface Word {
  readonly text: string;
  readonly quoted: boolean;
  readonly at: number;
}

function wordsOf(text: string, broken: (problem: string, at: number) => Tau2Error): readonly Word[] {
  const words: Word[] = [];
  token.lastIndex = 0;
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) throw broken(`"${text.slice(at, at + 20)}" is not understood`, at);
    const [, mark, quoted, word] = found;
    const said = mark ?? quoted?.replaceAll('\\"', '"') ?? word;
    if (said !== undefined) words.push({ text: said, quoted: quoted !== undefined, at });
  }
  return words;
}

const step = z.object({ said: z.string().max(1_000) });

/**
 * The team of a workflow. A node that several edges leave asks the customer, and says what they said; a guard takes the edge of that
 * choice, so an answer that the drawing does not have leads nowhere.
 */
export function workflowDesk(workflow: Workflow): {
  readonly definition: SupervisorDefinition<{ said: string }, { said: string }>;
  readonly agentOf: (node: string) => AnyAgent;
  readonly choicesOf: (node: string) => readonly string[];
} {
  const { nodes, edges, start, ends } = workflow;
  const choicesOf = (node: string) => edges.filter(({ from }) => from === node).map(({ choice }) => choice);
  const make = (id: string, label: string) => {
    const choices = choicesOf(id);
    return defineAgent({
      name: id,
      description: label.slice(0, 500),
      model: "guide",
      tools: [],
      ...(choices.length > 1 ? { asks: ["customer"] as const } : {}),
      input: step,
      output: step,
      instructions:
        choices.length > 1
          ? `${label}\nAsk the customer, and say one of: ${choices.map((one) => `"${one}"`).join(", ")}.`
          : label,
    });
  };
  const agents = Object.fromEntries([...nodes.values()].map(({ id, label }) => [id, make(id, label)]));
  const agentOf = (node: string) => agents[node] as ReturnType<typeof make>;
  const handoffs: Handoff[] = edges.map(({ from, to, choice }, index) =>
    defineHandoff({
      from: agentOf(from),
      to: agentOf(to),
      name: `${index}: ${from} to ${to}`,
      ...(choicesOf(from).length > 1 ? { when: ({ said }: { said: string }) => said === choice } : {}),
      map: (output: { said: string }) => output,
    }),
  ) as never;
  const definition = defineSupervisor({
    name: "workflow",
    agents,
    entry: start,
    exit: ends,
    handoffs: handoffs as never,
    limits: { steps: 1_000, handoffs: 500 },
  });
  return { definition: definition as never, agentOf, choicesOf };
}
