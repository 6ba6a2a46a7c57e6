import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "@remit/core";
import { type DescribedFunction, readFunction, ToolsError } from "@remit/tools";
import { z } from "zod";
import { jsonFiles } from "../json-file.ts";
import { BfclError } from "./errors.ts";
import { readCall } from "./python-call.ts";

/** A call of the ground truth, with its arguments by name. */
export interface FunctionCall {
  /** The name of the tool: what stands in the call, made to fit. */
  readonly tool: string;
  readonly args: { readonly [argument: string]: Json };
}

/** One thing a person says, and what is to be called for it. */
export interface ConversationTurn {
  /** Absent: nobody says anything, and something else is new, such as a function. */
  readonly text?: string;
  readonly calls: readonly FunctionCall[];
  /** Names of the tools that there are in this turn. */
  readonly tools: readonly string[];
}

export interface Conversation {
  readonly id: string;
  readonly turns: readonly ConversationTurn[];
  /** All functions of the services involved, those included that are withheld at times. */
  readonly functions: readonly DescribedFunction[];
}

/** A request for which none of the functions fits. */
export interface IrrelevantRequest {
  readonly id: string;
  readonly text: string;
  readonly functions: readonly DescribedFunction[];
  /** Why others of its functions are not there. */
  readonly unreadable: readonly string[];
}

export interface BfclFolder {
  readonly folder: string;
  readonly conversations: readonly { readonly name: string; readonly conversations: readonly Conversation[] }[];
  readonly requests: readonly { readonly name: string; readonly requests: readonly IrrelevantRequest[] }[];
}

const said = z.array(z.array(z.object({ role: z.string(), content: z.string() })));
const conversation = z.object({
  id: z.string().min(1),
  question: said,
  involved_classes: z.array(z.string()).min(1),
  excluded_function: z.array(z.string()).default([]),
  /** By the index of the turn in which they appear. */
  missed_function: z.record(z.string().regex(/^\d+$/), z.array(z.string())).default({}),
  ground_truth: z.array(z.array(z.string())).optional(),
});
const answer = z.object({ id: z.string().min(1), ground_truth: z.array(z.array(z.string())) });
const request = z.object({ id: z.string().min(1), question: said, function: z.array(z.json()).min(1) });

const { readLines } = jsonFiles({
  missing: (message, data) => new BfclError("bfcl/file-missing", message, { data }),
  broken: (message, data, cause) => new BfclError("bfcl/file-broken", message, { data, cause }),
});

/** Files of the published form that bear another name than their class, by the class. */
const files: Readonly<Record<string, string>> = {
  TwitterAPI: "posting_api",
  TravelAPI: "travel_booking",
  VehicleControlAPI: "vehicle_control",
};

/**
 * Reads `multi_turn_*.jsonl` and `irrelevance.jsonl` of a folder; names may have more before that, and end in `.json` as
 * the published ones do. Ground truth stands in the file, or in one of the same name in `possible_answer/`.
 * @throws BfclError; ToolsError for a function of a class that cannot be read
 */
export function loadBfcl(folder: string): BfclFolder {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const setOf = (file: string) => /(multi_turn_\w+|\w*irrelevance)\.jsonl?$/.exec(file)?.[1];
  const found = names.flatMap((file) => {
    const name = setOf(file);
    return name === undefined ? [] : [{ file, name }];
  });
  if (found.length === 0) {
    throw new BfclError("bfcl/file-missing", `there is no multi_turn_*.jsonl and no irrelevance.jsonl in ${folder}`, {
      data: { file: folder },
    });
  }
  const classes = new Map<string, readonly DescribedFunction[]>();
  const sets = new Map<string, readonly DescribedFunction[]>();
  const ofClass = (name: string) => {
    const known = classes.get(name) ?? readClass(folder, name);
    classes.set(name, known);
    return known;
  };
  // Conversations about the same services have the same list, and so the same team.
  const functionsOf = (names: readonly string[]) => {
    const key = JSON.stringify([...names].sort());
    const known = sets.get(key) ?? allOf([...new Set(names)].flatMap(ofClass));
    sets.set(key, known);
    return known;
  };
  const isRequests = ({ name }: { readonly name: string }) => name.endsWith("irrelevance");
  return {
    folder,
    conversations: found
      .filter((one) => !isRequests(one))
      .map(({ file, name }) => ({ name, conversations: readConversations(folder, file, functionsOf) })),
    requests: found.filter(isRequests).map(({ file, name }) => ({
      name,
      requests: readAll(folder, file, request).map((one) => {
        const [messages = [], ...more] = one.question;
        const text = more.length === 0 ? textOf(messages, one.id) : undefined;
        if (text === undefined)
          throw brokenIn(folder, file, one.id, "is not one turn in which somebody says something");
        return { id: one.id, text, ...readable(one.function) };
      }),
    })),
  };
}

/** @throws BfclError `bfcl/file-broken` also where there is nothing in it, for nothing would come out right then */
function readAll<Schema extends z.ZodType>(folder: string, file: string, schema: Schema) {
  const lines = readLines(folder, file, schema);
  if (lines.length > 0) return lines;
  throw new BfclError("bfcl/file-broken", `there is nothing in ${join(folder, file)}`, { data: { file } });
}

function brokenIn(folder: string, file: string, id: string, reason: string): BfclError {
  return new BfclError("bfcl/file-broken", `${join(folder, file)}: ${id} ${reason}`, { data: { file, id } });
}

function readConversations(
  folder: string,
  file: string,
  functionsOf: (classes: readonly string[]) => readonly DescribedFunction[],
): readonly Conversation[] {
  const lines = readAll(folder, file, conversation);
  const answers = lines.every((one) => one.ground_truth !== undefined)
    ? new Map<string, readonly (readonly string[])[]>()
    : readAnswers(folder, join("possible_answer", file));
  return lines.map((one) => {
    const broken = (reason: string) => brokenIn(folder, file, one.id, reason);
    const truth = one.ground_truth ?? answers.get(one.id);
    if (!truth) throw broken("has no ground_truth");
    if (truth.length !== one.question.length) {
      throw broken(`has ${one.question.length} turns and the calls of ${truth.length}`);
    }
    const functions = functionsOf(one.involved_classes);
    const byName = new Map(functions.map((described) => [described.foreignName, described]));
    const known = (name: string): DescribedFunction => {
      const described = byName.get(name);
      if (described) return described;
      throw new BfclError("bfcl/function-unknown", `${one.id} names ${name}, which none of its classes has`, {
        data: { id: one.id, name },
      });
    };
    const excluded = new Set(one.excluded_function);
    const withheld = Object.entries(one.missed_function).map(([turn, names]) => ({
      turn: Number(turn),
      names: new Set(names.map((name) => known(name).foreignName)),
    }));
    const turns = one.question.map((messages, index): ConversationTurn => {
      const text = textOf(messages, one.id);
      const isThere = ({ foreignName }: DescribedFunction) =>
        !excluded.has(foreignName) && !withheld.some(({ turn, names }) => index < turn && names.has(foreignName));
      return {
        ...(text === undefined ? {} : { text }),
        calls: (truth[index] ?? []).map((call) => callOf(call, known)),
        tools: functions.filter(isThere).map(({ tool }) => tool.name),
      };
    });
    if (turns[0]?.text === undefined) throw broken("does not begin with what somebody says");
    return { id: one.id, turns, functions };
  });
}

function readAnswers(folder: string, file: string): ReadonlyMap<string, readonly (readonly string[])[]> {
  const answers = new Map<string, readonly (readonly string[])[]>();
  for (const { id, ground_truth } of readLines(folder, file, answer)) {
    if (answers.has(id)) throw brokenIn(folder, file, id, "has ground truth twice");
    answers.set(id, ground_truth);
  }
  return answers;
}

/** A call as Python writes it, with each argument under its name. @throws BfclError `bfcl/call-broken`, `bfcl/function-unknown` */
export function callOf(text: string, known: (name: string) => DescribedFunction): FunctionCall {
  const { name, positional, named } = readCall(text);
  const { tool, parameters } = known(name);
  const args = new Map<string, Json>();
  positional.forEach((value, index) => {
    const parameter = parameters[index];
    if (parameter === undefined || Object.hasOwn(named, parameter)) {
      throw new BfclError("bfcl/call-broken", `the call ${text.slice(0, 300)} has a positional argument too many`, {
        data: { call: text.slice(0, 300), at: index },
      });
    }
    args.set(parameter, value);
  });
  return { tool: tool.name, args: { ...Object.fromEntries(args), ...named } };
}

function readClass(folder: string, name: string): readonly DescribedFunction[] {
  const snake = name.replace(/([a-z\d])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3_$2$4").toLowerCase();
  // The name comes with the data: it names a file of the folder and leads nowhere else.
  for (const file of /^\w+$/.test(name) ? [files[name] ?? snake, snake] : []) {
    for (const place of ["func_doc", "multi_turn_func_doc"]) {
      for (const ending of ["json", "jsonl"]) {
        if (!existsSync(join(folder, place, `${file}.${ending}`))) continue;
        return readLines(join(folder, place), `${file}.${ending}`, z.json()).map((described) =>
          readFunction(described),
        );
      }
    }
  }
  throw new BfclError("bfcl/class-unknown", `there is no func_doc/${snake}.json in ${folder} for the class ${name}`, {
    data: { class: name },
  });
}

/** A request stays one where a function of it cannot be read: what was wrong is told. */
function readable(functions: readonly unknown[]): Pick<IrrelevantRequest, "functions" | "unreadable"> {
  const read = new Map<string, DescribedFunction>();
  const unreadable: string[] = [];
  for (const one of functions) {
    try {
      const described = readFunction(one);
      if (read.has(described.tool.name)) unreadable.push(`two functions are named ${described.tool.name}`);
      else read.set(described.tool.name, described);
    } catch (thrown) {
      if (!ToolsError.is(thrown)) throw thrown;
      unreadable.push(thrown.message);
    }
  }
  return { functions: [...read.values()], unreadable };
}

/** @throws BfclError `bfcl/file-broken` where two have one name */
function allOf(functions: readonly DescribedFunction[]): readonly DescribedFunction[] {
  const names = new Set<string>();
  for (const { tool } of functions) {
    if (names.has(tool.name)) throw new BfclError("bfcl/file-broken", `two functions are named ${tool.name}`);
    names.add(tool.name);
  }
  return functions;
}

/** What the person says in a turn; nothing where nobody does. */
function textOf(
  messages: readonly { readonly role: string; readonly content: string }[],
  id: string,
): string | undefined {
  const other = messages.find(({ role }) => role !== "user" && role !== "system");
  if (other)
    throw new BfclError("bfcl/file-broken", `${id} has a message of the role ${other.role} in a turn of a person`);
  const texts = messages.filter(({ role, content }) => role === "user" && content !== "").map(({ content }) => content);
  return texts.length === 0 ? undefined : texts.join("\n");
}
