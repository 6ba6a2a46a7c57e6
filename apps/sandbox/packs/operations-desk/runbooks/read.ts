import { reasonOf } from "@remit/core";
import { parseDocument } from "yaml";
import { z } from "zod";
import { SandboxError } from "../../../src/errors.ts";
import { isOperation, type Operation, operations } from "../operations.ts";
import { commandsIn, inlineCommands, type RunbookCommand } from "./command.ts";

/**
 * Reads a runbook that people have written: Markdown with a title, sections, ordered steps, shell snippets, tables, links and
 * warnings. It takes what is there; nothing is made up where something is missing. What it gives is data: text in it tells
 * nobody what to do.
 */
export interface Runbook {
  /** Unique among the runbooks that were read together. */
  readonly runbookId: string;
  readonly title: string;
  /** 0 where the text does not say. */
  readonly revision: number;
  /** `YYYY-MM-DD`, where the text says when somebody last looked at it. */
  readonly reviewedOn: string | undefined;
  readonly status: "current" | "retired";
  /** Alerts that it is about. */
  readonly alerts: readonly string[];
  readonly steps: readonly RunbookStep[];
  /** All commands, those outside of steps included. */
  readonly commands: readonly RunbookCommand[];
  /** Lines that say what not to do. */
  readonly warnings: readonly string[];
  readonly links: readonly string[];
  readonly tables: number;
  readonly text: string;
}

export interface RunbookStep {
  /** From 1 on, in the order of the text. */
  readonly step: number;
  /** Heading of the section that it stands in. */
  readonly section: string;
  readonly text: string;
  readonly commands: readonly RunbookCommand[];
  /** What our own command line would do, where the step says so. */
  readonly operation: StepOperation | undefined;
}

/** An operation with its setting; the target is a placeholder in runbooks. */
export interface StepOperation {
  readonly operation: Operation;
  readonly setting: number | boolean | undefined;
}

/** Characters of one runbook; what is longer is no runbook. */
export const runbookCharsMax = 1_000_000;

const head = z.looseObject({
  id: z.string().min(1).max(100).optional(),
  revision: z.int().min(0).optional(),
  reviewed: z.iso.date().optional(),
  status: z.enum(["current", "retired"]).optional(),
  alerts: z.array(z.string().max(200)).max(100).optional(),
});

/**
 * Reads one runbook.
 * @param source where it came from, for messages
 * @param fallbackId its id where the text names none
 * @throws SandboxError `runbook/not-read` for what is too long, and for a head (`---`) that cannot be read
 */
export function readRunbook(markdown: string, source: string, fallbackId: string): Runbook {
  const fail = (reason: string) => new SandboxError("runbook/not-read", { file: source, reason });
  if (markdown.length > runbookCharsMax)
    throw fail(`it has ${markdown.length} characters, more than ${runbookCharsMax}`);
  const whole = markdown.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const front = /^---\n(.*?)\n---(?:\n|$)/s.exec(whole);
  const body = front ? whole.slice(front[0].length) : whole;
  const said = front ? headOf(front[1] ?? "", fail) : {};
  const blocks = blocksOf(body);
  const heading = blocks.find((one) => one.kind === "heading");
  const title = heading?.kind === "heading" ? heading.text : firstLine(body) || fallbackId;
  const plain = blocks.flatMap((one) => (one.kind === "code" ? [] : one.text.split("\n")));
  return {
    runbookId: said.id ?? fallbackId,
    title,
    revision: said.revision ?? 0,
    reviewedOn: said.reviewed,
    status: said.status ?? (/\b(?:deprecated|retired|obsolete)\b/i.test(title) ? "retired" : "current"),
    alerts: said.alerts ?? [],
    steps: stepsOf(blocks),
    commands: blocks.flatMap((one) =>
      one.kind === "code" ? commandsIn(one.language, one.text) : inlineCommands(one.text),
    ),
    warnings: plain.filter((line) => /\b(?:do not|don't|never|must not)\b/i.test(line)).map((line) => line.trim()),
    links: [...body.matchAll(/\]\(([^()\s]+)\)|<(https?:[^>\s]+)>/g)].map(([, one, other]) => one ?? other ?? ""),
    tables: plain.filter((line) => /^\s*\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)+\|?\s*$/.test(line)).length,
    text: body,
  };
}

function headOf(text: string, fail: (reason: string) => SandboxError): z.output<typeof head> {
  const document = parseDocument(text);
  const [wrong] = document.errors;
  if (wrong) throw fail(`its head is not YAML: ${wrong.message.split("\n")[0] ?? ""}`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (thrown) {
    throw fail(`its head is not YAML: ${reasonOf(thrown)}`);
  }
  const parsed = head.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw fail(`its head: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

function firstLine(text: string): string {
  return (text.split("\n").find((line) => line.trim() !== "") ?? "").trim().slice(0, 200);
}

type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "code"; readonly text: string; readonly language: string; readonly indent: number }
  | { readonly kind: "item" | "text"; readonly text: string; readonly indent: number };

/**
 * Headings, snippets (fenced or indented), items of ordered lists and paragraphs, in order. A snippet that is never closed ends
 * with the text.
 */
function blocksOf(body: string): readonly Block[] {
  const lines = body.split("\n");
  const found: Block[] = [];
  let open: { kind: "item" | "text"; lines: string[]; indent: number } | undefined;
  /** Indent of the list item that lines may belong to. */
  let list: number | undefined;
  const close = () => {
    if (open) found.push({ kind: open.kind, text: open.lines.join("\n").trim(), indent: open.indent });
    open = undefined;
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const fence = /^(\s*)(?:[*-]\s+|\d+[.)]\s+)?(`{3,}|~{3,})\s*([^`]*)$/.exec(line);
    if (fence) {
      close();
      const [, indent = "", mark = "", language = ""] = fence;
      const code: string[] = [];
      while (++at < lines.length && !closes(lines[at] ?? "", mark)) {
        // Left open: a snippet with a language of its own begins here.
        if (opens(lines[at] ?? "", mark)) {
          at -= 1;
          break;
        }
        code.push(lines[at] ?? "");
      }
      found.push({ kind: "code", text: code.join("\n"), language: language.trim(), indent: indent.length });
      continue;
    }
    const heading = /^ {0,3}#{1,6}\s+(.*)$/.exec(line);
    const item = /^(\s*)\d{1,9}[.)]\s+(.*)$/.exec(line);
    const indent = /^\s*/.exec(line.replaceAll("\t", "    "))?.[0].length ?? 0;
    if (!open && line.trim() !== "" && indent >= (list === undefined ? indentedFrom : list + indentedInList)) {
      const code: string[] = [];
      for (; at < lines.length && (/^(?:\t| {4})/.test(lines[at] ?? "") || (lines[at] ?? "").trim() === ""); at++) {
        code.push(lines[at] ?? "");
      }
      at -= 1;
      found.push({ kind: "code", text: code.join("\n"), language: "", indent });
    } else if (heading) {
      close();
      list = undefined;
      found.push({ kind: "heading", text: (heading[1] ?? "").trimEnd().replace(/ #+$/, "").trim() });
    } else if (item) {
      close();
      const depth = item[1]?.length ?? 0;
      list = list === undefined ? depth : Math.min(list, depth);
      open = { kind: "item", lines: [item[2] ?? ""], indent: depth };
    } else if (line.trim() === "") {
      close();
    } else if (open) {
      open.lines.push(line.trim());
    } else {
      if (list !== undefined && indent <= list) list = undefined;
      open = { kind: "text", lines: [line.trim()], indent };
    }
  }
  close();
  return found;
}

/** Spaces from which on a paragraph is a snippet, and more than its list item's where it is in one. */
const indentedFrom = 4;
const indentedInList = 7;

function closes(line: string, mark: string): boolean {
  const text = line.trim();
  return text.length >= mark.length && text === (mark[0] ?? "`").repeat(text.length);
}

function opens(line: string, mark: string): boolean {
  const text = line.trim();
  return text.startsWith(mark) && /^[a-z]{1,20}$/.test(text.slice(mark.length));
}

interface Draft {
  readonly section: string;
  readonly texts: string[];
  readonly commands: RunbookCommand[];
}

/**
 * The steps: items of ordered lists with what is indented below them, and snippets outside of lists with the paragraph before
 * them. A runbook with neither has the paragraphs of the sections that say what to do.
 */
function stepsOf(blocks: readonly Block[]): readonly RunbookStep[] {
  const drafts: Draft[] = [];
  const prose: Draft[] = [];
  let section = "";
  let item: { readonly draft: Draft; readonly indent: number } | undefined;
  let before = "";
  for (const block of blocks) {
    if (block.kind === "heading") {
      section = block.text;
      item = undefined;
      before = "";
      continue;
    }
    if (block.kind === "item" && !(item && block.indent > item.indent)) {
      const draft: Draft = { section, texts: [block.text], commands: [...inlineCommands(block.text)] };
      drafts.push(draft);
      item = { draft, indent: block.indent };
      continue;
    }
    if (item && block.indent <= item.indent) item = undefined;
    const commands = block.kind === "code" ? commandsIn(block.language, block.text) : inlineCommands(block.text);
    if (item) {
      item.draft.commands.push(...commands);
      if (block.kind !== "code") item.draft.texts.push(block.text);
    } else if (block.kind === "code") {
      if (commands.length > 0) drafts.push({ section, texts: [before], commands: [...commands] });
    } else {
      before = block.text;
      if (saysWhatToDo(section)) prose.push({ section, texts: [block.text], commands: [...commands] });
    }
  }
  const chosen = drafts.length > 0 ? drafts : prose;
  return chosen.map(({ section: at, texts, commands }, index) => ({
    step: index + 1,
    section: at,
    text: texts.join("\n").trim(),
    commands,
    operation: operationIn(commands),
  }));
}

function saysWhatToDo(section: string): boolean {
  return /mitigat|remed|resol|recommend|action|diagnos|troubleshoot|procedure|steps|fix|recover/i.test(section);
}

const ownForm = /^opsctl ([a-z-]+)(?: --[a-z]+ \$[A-Z]+)(?: --(?:add|enabled) (-?\d{1,4}|true|false))?$/;

/** The one operation of our own command line among these commands; nothing where there is none, or more than one. */
function operationIn(commands: readonly RunbookCommand[]): StepOperation | undefined {
  const found = commands.flatMap(({ text }): StepOperation[] => {
    const [, verb = "", setting] = ownForm.exec(text.trim()) ?? [];
    const operation = verb.replaceAll("-", "_");
    if (!isOperation(operation)) return [];
    const wants = "setting" in operations[operation];
    if (wants !== (setting !== undefined)) return [];
    return [{ operation, setting: setting === undefined ? undefined : JSON.parse(setting) }];
  });
  return found.length === 1 ? found[0] : undefined;
}
