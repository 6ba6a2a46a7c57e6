import { readFileSync } from "node:fs";
import { basename, extname, relative } from "node:path";
import { ToolsError } from "@remit/tools";
import { filesUnder } from "@remit/tools/library";
import { z } from "zod";
import { SandboxError } from "../../../src/errors.ts";
import { type Runbook, readRunbook } from "./read.ts";

const line = z.looseObject({
  text: z.string(),
  path: z.string().min(1).max(1_000).optional(),
  id: z.string().min(1).max(100).optional(),
});

const runbooksMax = 10_000;

/**
 * Reads somebody's own runbooks: a folder with Markdown files (`.md`, at any depth) and with JSON lines (`.jsonl`: `text`, and
 * `id` or `path`), or one such file. In the order of their paths. Links out of the folder are not followed.
 * @throws SandboxError `runbook/none-there`, `runbook/not-read`
 */
export function readRunbooks(path: string): readonly Runbook[] {
  const files = filesIn(path);
  const found = new Map<string, Runbook>();
  const add = (runbook: Runbook, file: string) => {
    if (found.has(runbook.runbookId)) {
      throw new SandboxError("runbook/not-read", { file, reason: `the id ${runbook.runbookId} is taken` });
    }
    if (found.size >= runbooksMax) {
      throw new SandboxError("runbook/not-read", { file, reason: `there are more than ${runbooksMax}` });
    }
    found.set(runbook.runbookId, runbook);
  };
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const name = relative(path, file) || basename(file);
    if (extname(file) !== ".jsonl") {
      add(readRunbook(text, file, idOf(name)), file);
      continue;
    }
    text.split("\n").forEach((raw, index) => {
      if (raw.trim() === "") return;
      const source = `${file}:${index + 1}`;
      const read = line.safeParse(parsed(raw, source));
      if (!read.success) {
        const issue = read.error.issues[0];
        const reason = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
        throw new SandboxError("runbook/not-read", { file: source, reason });
      }
      const { id, path: from, text: markdown } = read.data;
      add(readRunbook(markdown, source, id ?? (from ? idOf(from) : `${idOf(name)}-${index + 1}`)), source);
    });
  }
  if (found.size === 0) throw new SandboxError("runbook/none-there", { path });
  return [...found.values()];
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SandboxError("runbook/not-read", { file, reason: "not JSON" });
  }
}

/** A path without its ending; folders stay part of it, since names come again in them. */
function idOf(path: string): string {
  return path.replace(/\.(?:md|jsonl)$/, "");
}

function filesIn(path: string): readonly string[] {
  try {
    const files = filesUnder(path, [".md", ".jsonl"]);
    return files.filter((file) => file === path || !/^readme\.md$/i.test(basename(file)));
  } catch (thrown) {
    if (ToolsError.is(thrown, "library/none-there")) throw new SandboxError("runbook/none-there", { path });
    if (!ToolsError.is(thrown, "library/not-read")) throw thrown;
    throw new SandboxError("runbook/not-read", { file: String(thrown.data.file), reason: String(thrown.data.reason) });
  }
}
