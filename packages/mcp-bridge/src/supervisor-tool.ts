import { randomUUID } from "node:crypto";
import {
  type AnyAgent,
  type ApprovalCase,
  type Audience,
  canonicalJson,
  type Entry,
  type Issue,
  inertMedia,
  type Json,
  type JsonSchema,
  jsonSchemaOf,
  type OpenQuestion,
  OrchestrationError,
  type Principal,
  parseWith,
  type Run,
  type RunResult,
  type Supervisor,
  type SupervisorDefinition,
  sha256,
} from "@remit/core";
import { elicited } from "./elicited.ts";
import { McpError } from "./errors.ts";
import { clientKey, type McpClient } from "./mcp-client.ts";
import { answerMeta, keyMeta, outcomeMeta, runMeta } from "./meta.ts";
import { elicitationOf, type InputRequired } from "./rounds.ts";
import type { ServedCallContext, ServedResult, ServedTool } from "./served.ts";
import { objectSchema } from "./served-tool.ts";
import { cut, visible } from "./text.ts";
import type { WireElicitation } from "./wire/port.ts";

/**
 * A whole team as one tool. A call starts a run as its client, follows it, and gives its output.
 *
 *  T1  A key is a run: the same client with the same key comes to the same run, whatever became of the call before. Nobody
 *      else's key does.
 *  T2  Who started a run does not approve what it wants to do. A client is asked for a decision only where the operator
 *      has said who decides there, and the core checks that person as it checks every other.
 *  T3  Nothing is held for a run that waits: what a client is asked stands in the run's journal, and a call that comes
 *      back finds it there, also after a restart.
 */
export interface SupervisorToolOptions {
  readonly name: string;
  readonly description: string;
  readonly title?: string;
  /** Whose questions the client answers; only `customer` when absent. Others wait for somebody at the desk, as an operator's do where the client is a `user`. */
  readonly answers?: readonly Audience[];
  /**
   * Who decides on a write of this run at the client's end, such as the person whose consent the client's elicitation
   * shows; `undefined`, and always when absent: nobody there. Never the principal that started the run (T2).
   */
  readonly approver?: (client: McpClient, open: ApprovalCase) => Principal | undefined;
  /** Text for the run's models and tools. */
  readonly attributes?: (client: McpClient, call: ServedCallContext) => Readonly<Record<string, string>>;
  /** What a client is told of an entry while the run goes on; nothing for `undefined`. By default names, never payloads. */
  readonly progress?: (entry: Entry) => string | undefined;
  /**
   * What becomes of the run when the client cancels or goes away. By default a run with a key from the client goes on,
   * since it can be taken up again, and one without is cancelled.
   */
  readonly whenGone?: "cancel" | "leave";
  /** Makes the keys of calls that come without one. */
  readonly newKey?: () => string;
}

type State = { readonly run: string; readonly key: string; readonly seq: number } & (
  | { readonly ask: string }
  | { readonly address: string; readonly binding: string }
);

interface Followed {
  readonly run: Run;
  readonly key: string;
  /** Entries up to here are told already. */
  readonly seq: number;
  /** What was wrong with the last answer, for the next question. */
  readonly note?: string;
}

/** @throws McpError `mcp/tool-not-servable` where the entry agent's input is no object */
export function supervisorTool<Input, Output>(
  supervisor: Supervisor<Input, Output>,
  options: SupervisorToolOptions,
): ServedTool {
  const { name, title, description, answers = ["customer"], newKey = randomUUID } = options;
  const team = supervisor as unknown as Supervisor;
  const { definition } = team;
  const entry = definition.agents.get(definition.entry) as AnyAgent;
  const told = options.progress ?? named;
  const output = outputOf(definition.agents, definition.exits);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw new McpError("mcp/tool-not-servable", { tool: name, reason: "its name is none that every client takes" });
  }

  const call = async (input: unknown, context: ServedCallContext): Promise<ServedResult | InputRequired> => {
    try {
      if (context.resumed) return await goOn(context.resumed.state as State, context);
      return await begin(input, context);
    } catch (thrown) {
      return refused(thrown, name);
    }
  };

  const begin = async (given: unknown, context: ServedCallContext): Promise<ServedResult | InputRequired> => {
    const { client, meta, rawMeta } = context;
    const input = inertMedia(given as Json); // Mostly a model of the client's has written it.
    if (meta.idempotencyKey === "" && (rawMeta[keyMeta] ?? "") !== "") {
      // Without it the same call, made again, would be another run.
      return failure(`_meta["${keyMeta}"] is a text of at most 1,000 characters. Nothing was done.`, "refused");
    }
    const key = meta.idempotencyKey || context.requestKey || newKey();
    const { tenant, principal } = client;
    const attributes = options.attributes?.(client, context);
    const run = await team.start(input as Input, {
      tenant,
      principal,
      idempotencyKey: `mcp:${sha256(JSON.stringify([clientKey(client), name, key]))}`, // T1
      ...(attributes ? { attributes } : {}),
    });
    if (meta.idempotencyKey !== "" && !(await beganWith(run, input))) {
      return otherKey(name);
    }
    const followed = { run, key, seq: 0 };
    const said = rawMeta[answerMeta];
    if (said === undefined) return follow(followed, context);
    await run.settled();
    const [question] = await openQuestions(run, client);
    return question ? answered(followed, question, said as Json, context) : follow(followed, context);
  };

  const beganWith = async (run: Run, input: unknown): Promise<boolean> => {
    const [first] = await run.entries();
    const parsed = parseWith(entry.input, input);
    return (
      first?.type === "run.started" &&
      parsed.ok &&
      canonicalJson(first.body.input) === canonicalJson(JSON.parse(JSON.stringify(parsed.value)) as Json)
    );
  };

  /** Takes up a call whose client has answered. */
  const goOn = async (state: State, context: ServedCallContext): Promise<ServedResult | InputRequired> => {
    const { client, resumed } = context;
    const run = await team.find(state.run, { tenant: client.tenant });
    const followed = { run, key: state.key, seq: state.seq };
    const said = elicited(resumed?.responses.answer, {});
    if (said === undefined) return follow(followed, context); // It is asked again.
    if ("ask" in state) {
      const question = (await openQuestions(run, client)).find(({ ask }) => ask === state.ask);
      if (!question) return follow(followed, context); // Somebody else has answered it.
      if (said.action !== "accept") return waits(followed, `Its question was not answered: ${question.question}`);
      const { content = {} } = said;
      return answered(followed, question, ("answer" in content ? content.answer : content) as Json, context);
    }
    if (said.action !== "accept") return waits(followed, "Its approval was not decided on; an operator can.");
    return decided(followed, state, said.content ?? {}, context);
  };

  const answered = async (
    followed: Followed,
    { ask }: OpenQuestion,
    given: Json,
    context: ServedCallContext,
  ): Promise<ServedResult | InputRequired> => {
    const { run } = followed;
    const answer = inertMedia(given);
    try {
      const key = `mcp:${sha256(canonicalJson([ask, answer]))}`;
      await run.send(answer, { ask, key, principal: context.client.principal });
    } catch (thrown) {
      if (OrchestrationError.is(thrown, "run/answer-invalid")) {
        return follow({ ...followed, note: `That was no answer: ${sentenceOf(thrown.data.issues)}` }, context);
      }
      // Somebody else was faster, or the run is over: what follows shows it.
      const isLate =
        OrchestrationError.is(thrown, "run/not-waiting") || OrchestrationError.is(thrown, "run/already-ended");
      if (!isLate) throw thrown;
    }
    return follow(followed, context);
  };

  const decided = async (
    followed: Followed,
    { address, binding }: { readonly address: string; readonly binding: string },
    content: { readonly [key: string]: unknown },
    context: ServedCallContext,
  ): Promise<ServedResult | InputRequired> => {
    const { client } = context;
    const open = (await followed.run.approvals()).find((one) => one.address === address);
    const principal = open && options.approver?.(client, open);
    if (!open || !principal) return follow(followed, context);
    const decision = content.decision === "approve" ? "approve" : "reject";
    const reason = typeof content.reason === "string" && content.reason !== "" ? content.reason : "decided by MCP";
    try {
      const key = `mcp:${sha256(JSON.stringify([binding, principal.id, decision]))}`;
      await team.approvals.decide(client.tenant, address, { decision, reason, principal, binding, key });
    } catch (thrown) {
      if (!OrchestrationError.is(thrown) || !thrown.code.startsWith("approval/")) throw thrown;
      if (OrchestrationError.is(thrown, "approval/unknown")) return follow(followed, context); // It is decided already.
      return waits(followed, `The decision does not count (${thrown.code}). ${thrown.hint} An operator has to decide.`);
    }
    return follow(followed, context);
  };

  /** What an operator is asked, no customer answers, whatever the options say. */
  const answersFor = ({ of }: OpenQuestion, { principal }: McpClient): boolean =>
    answers.includes(of) && (of === "customer" || principal.kind !== "user");

  const openQuestions = async (run: Run, client: McpClient): Promise<readonly OpenQuestion[]> =>
    (await run.questions()).filter((question) => answersFor(question, client));

  /** Goes along with a run until it ends, or waits for a person. */
  const follow = async (followed: Followed, context: ServedCallContext): Promise<ServedResult | InputRequired> => {
    const { run } = followed;
    const { signal } = context;
    const stop = new AbortController();
    let seq = followed.seq;
    const telling = (async () => {
      for await (const one of run.events({ fromSeq: seq + 1, signal: stop.signal })) {
        seq = one.seq;
        const message = told(one);
        if (message !== undefined) context.progress({ progress: one.seq, message: cut(visible(message), 500) });
      }
    })().catch(() => {}); // Whatever stops it stops the run's own promise too.
    const gone = Promise.withResolvers<"gone">();
    const leave = () => gone.resolve("gone");
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      const status = await Promise.race([run.settled(), gone.promise]);
      if (status === "gone") return await left(followed, context);
      if (status !== "parked") return resultOf(await run.result(), followed.key);
      return await parked({ ...followed, seq: Math.max(seq, followed.seq) }, context);
    } finally {
      stop.abort();
      await telling;
      signal.removeEventListener("abort", leave);
    }
  };

  const left = async (followed: Followed, { meta, client }: ServedCallContext): Promise<ServedResult> => {
    const { run } = followed;
    const what = options.whenGone ?? (meta.idempotencyKey === "" ? "cancel" : "leave");
    if (what === "leave") return waits(followed, "Its client went away.", "left");
    await run.cancel("its client cancelled the call or went away", { principal: client.principal }).catch((thrown) => {
      if (!OrchestrationError.is(thrown, "run/already-ended")) throw thrown;
    });
    return { ...failure("The call was cancelled, and its run with it.", "cancelled"), runId: run.id };
  };

  /** What a run that waits needs, from the client where that can give it. */
  const parked = async (followed: Followed, context: ServedCallContext): Promise<ServedResult | InputRequired> => {
    const { run, key, seq, note } = followed;
    const all = await run.questions();
    const question = all.find((one) => answersFor(one, context.client));
    if (question) {
      const message = [note, visible(question.question)].filter((text) => text !== undefined).join("\n");
      if (!context.can.form) return waits(followed, `${message}\nGive the answer in _meta["${answerMeta}"].`);
      const schema = formOf(await answerSchema(run, question));
      return asked({ mode: "form", message, schema }, { run: run.id, key, seq, ask: question.ask });
    }
    const cases = await run.approvals();
    const open = cases.find((one) => options.approver?.(context.client, one) !== undefined);
    const form = open && context.can.form ? approvalForm(open) : undefined;
    if (open && form) {
      const { address, binding } = open;
      return asked(form, { run: run.id, key, seq, address, binding });
    }
    const [first] = cases;
    if (first) {
      return waits(followed, `An operator has to decide on ${first.address} (${first.tool}): ${visible(first.why)}`);
    }
    return waits(
      followed,
      all[0] ? `An operator has to answer: ${visible(all[0].question)}` : "Somebody has to look at it.",
    );
  };

  /** The schema of a question that a team asks, the one at the top or one inside it; an agent's own takes any text. */
  const answerSchema = async (run: Run, { ask }: OpenQuestion): Promise<JsonSchema | undefined> => {
    const entries = await run.entries();
    const index = entries.findIndex((one) => one.type === "input.requested" && one.body.ask === ask);
    const before = entries[index - 1];
    if (before?.type !== "edge.chosen") return undefined;
    const edge = teamAt(definition, before.path)?.edgeByName.get(before.body.edge);
    return edge?.kind === "question" ? jsonSchemaOf(edge.answer, "input", name) : undefined;
  };

  return {
    kind: "served-tool",
    definition: {
      name,
      ...(title === undefined ? {} : { title }),
      description,
      inputSchema: objectSchema(name, entry.inputSchema),
      ...(output ? { outputSchema: output } : {}),
      annotations: annotationsOf(definition.tools.values()),
    },
    call,
  };
}

/** The team that works under a path: `office#1/desk#2/` is the team behind `desk` in the team behind `office`. */
function teamAt(definition: SupervisorDefinition, path: string): SupervisorDefinition | undefined {
  let team: SupervisorDefinition | undefined = definition;
  for (const part of path.split("/")) if (part !== "") team = team?.agents.get(part.split("#")[0] ?? "")?.team;
  return team;
}

/** Hints that follow from all that the team can do. */
function annotationsOf(tools: Iterable<{ readonly effect: string; readonly reversible: boolean }>) {
  const writes = [...tools].filter(({ effect }) => effect === "write");
  return {
    readOnlyHint: writes.length === 0,
    destructiveHint: writes.some(({ reversible }) => !reversible),
    idempotentHint: true, // T1
  };
}

/** The schema of the output, where all exits have the same and it is an object. */
function outputOf(agents: ReadonlyMap<string, AnyAgent>, exits: ReadonlySet<string>): JsonSchema | undefined {
  const schemas = [...exits].map((exit) => (agents.get(exit) as AnyAgent).outputSchema);
  const [first] = schemas;
  const same = new Set(schemas.map((schema) => canonicalJson(schema as Json))).size === 1;
  return same && first?.type === "object" ? first : undefined;
}

/** Forms are flat: an object of plain members is one, and a plain value is its only member. */
function formOf(schema: JsonSchema | undefined): { readonly [key: string]: unknown } {
  const plain = ["string", "number", "integer", "boolean"];
  const { type, properties } = (schema ?? {}) as { readonly type?: string; readonly properties?: object };
  if (schema && type === "object" && properties && !("answer" in properties)) {
    const members = Object.values(properties) as readonly { readonly type?: string }[];
    if (members.every((member) => plain.includes(member.type ?? ""))) return withoutDialect(schema);
  }
  const answer = schema && plain.includes(type ?? "") ? withoutDialect(schema) : { type: "string" };
  return { type: "object", properties: { answer }, required: ["answer"] };
}

function withoutDialect({ $schema: _, ...schema }: { readonly [key: string]: unknown }) {
  return schema;
}

/** Bytes of arguments that a person is asked about at a client's end. */
const argumentBytesMax = 64 * 1024;

/** The question for a decision; nothing where the arguments are too long to be shown whole: part of them decides nothing. */
function approvalForm({ tool, input, why, risk, binding }: ApprovalCase): WireElicitation | undefined {
  const shown = visible(JSON.stringify(input));
  if (Buffer.byteLength(shown) > argumentBytesMax) return undefined;
  return {
    mode: "form",
    message: `May ${tool} be called with ${shown}? Its risk is ${risk}. ${visible(why)} (${binding.slice(0, 12)})`,
    schema: {
      type: "object",
      properties: {
        decision: { type: "string", enum: ["approve", "reject"] },
        reason: { type: "string", maxLength: 1_000 },
      },
      required: ["decision"],
    },
  };
}

function asked(form: WireElicitation, state: State): InputRequired {
  return { kind: "input-required", requests: { answer: elicitationOf(form) }, state: { ...state } };
}

/** The run waits for somebody else, or for the client by another way; the call ends, and can be made again. */
function waits({ run, key }: Followed, why: string, outcome = "waiting"): ServedResult {
  const text = `The run ${run.id} is not over. ${why}\nTo go on, call again with the same arguments and _meta["${keyMeta}"] "${key}".`;
  return {
    content: [{ type: "text", text }],
    isError: true,
    _meta: { [outcomeMeta]: outcome, [runMeta]: run.id, [keyMeta]: key },
    outcome,
    runId: run.id,
  };
}

function resultOf(result: RunResult, key: string): ServedResult {
  const { runId, status } = result;
  const about = { _meta: { [runMeta]: runId, [keyMeta]: key }, outcome: status, runId };
  if (status === "completed") {
    const { output } = result as { readonly output: Json };
    const isObject = typeof output === "object" && output !== null && !Array.isArray(output);
    const structuredContent = isObject ? output : { result: output };
    return { content: [{ type: "text", text: JSON.stringify(output) }], structuredContent, ...about };
  }
  // Why it failed stays in its journal; a reason that a team gives for its "no" is for who asked.
  const reason = "reason" in result ? `: ${result.reason}` : "";
  const text = `The run ${runId} ended ${status}${reason}.`;
  const open = "effects" in result && result.effects.length > 0 ? " Some of what it did may stand." : "";
  return { content: [{ type: "text", text: `${text}${open}` }], isError: true, ...about };
}

function otherKey(name: string): ServedResult {
  return failure(`This key is that of another call of ${name}, with other arguments. Nothing was done.`, "refused");
}

function failure(text: string, outcome: string): ServedResult {
  return { content: [{ type: "text", text }], isError: true, outcome };
}

/** What the core refuses, as far as a client has to know. Anything else is a failure, and is told by whoever serves. */
function refused(thrown: unknown, name: string): ServedResult {
  if (OrchestrationError.is(thrown, "run/input-invalid")) {
    return failure(`The arguments do not fit. Nothing was done. ${sentenceOf(thrown.data.issues)}`, "input-invalid");
  }
  if (OrchestrationError.is(thrown, "run/key-of-another")) {
    return otherKey(name);
  }
  if (OrchestrationError.is(thrown) && /^(policy|budget)\//.test(thrown.code)) {
    return failure(`This may not be done here (${thrown.code}). Nothing was done.`, "refused");
  }
  throw thrown;
}

function sentenceOf(issues: unknown): string {
  const list = (Array.isArray(issues) ? issues : []) as readonly Issue[];
  return list.map(({ pointer, message }) => `${pointer || "/"}: ${message}`).join("; ");
}

/** Names of what goes on. Payloads are for the run's output alone. */
function named(entry: Entry): string | undefined {
  switch (entry.type) {
    case "handoff.delivered":
      return `${entry.body.agent} is at work`;
    case "tool.called":
      return `${entry.body.agent} calls ${entry.body.tool}`;
    case "approval.requested":
      return `${entry.body.tool} waits for an approval`;
    case "approval.granted":
      return "an approval was granted";
    case "input.requested":
      return `${entry.body.by} has a question`;
    default:
      return undefined;
  }
}
