import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRunbooks } from "./folder.ts";
import { openRunbookIndex } from "./index.ts";

const data = process.env.REMIT_DATA_DIR ?? join(import.meta.dirname, "../../../../../../shared/data");
const file = join(data, "openshift-runbooks", "runbooks.jsonl");
const missing = !existsSync(file);

test.skipIf(missing)(
  `runbooks that other people wrote are read, every one, and found${missing ? ` (no data at ${file})` : ""}`,
  () => {
    const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
    const found = readRunbooks(file);
    expect(found).toHaveLength(lines.length);
    expect(found.filter(({ title }) => title === "")).toEqual([]);

    // Whatever has a list or a command has steps; a page that only says that it moved has neither.
    const stepless = found.filter(({ steps }) => steps.length === 0);
    expect(stepless.filter(({ commands, text }) => commands.length > 0 || /^\d+\. /m.test(text))).toEqual([]);
    expect(stepless.length).toBeLessThan(found.length / 20);
    const shells = found.filter(({ text }) => /^\s*```(?:bash|sh|shell|console)\n\s*\$? ?oc /m.test(text));
    expect(shells.length).toBeGreaterThan(100);
    expect(shells.filter(({ commands }) => commands.length === 0)).toEqual([]);

    // What changes something is never taken for what only looks.
    const commands = found.flatMap((one) => one.commands);
    const reads = commands.filter(({ kind }) => kind === "reads");
    expect(reads.length).toBeGreaterThan(commands.length / 2);
    const changing =
      /(?:^|\s)(?:oc|kubectl)(?: -n \S+| adm)* (?:delete|scale|patch|drain|cordon|apply|edit|create|annotate) /;
    expect(reads.filter(({ text }) => changing.test(text))).toEqual([]);
    expect(commands.filter(({ text }) => changing.test(text)).length).toBeGreaterThan(50);

    // By what its alert is called and means.
    const index = openRunbookIndex(found, "2026-06-08");
    const meant = lines.flatMap((line, at) => {
      const { alert, text } = JSON.parse(line) as { readonly alert: string; readonly text: string };
      const meaning = /## Meaning\s+([\s\S]*?)(?:\.\s|\n\n)/.exec(text)?.[1];
      return meaning === undefined ? [] : [{ query: `${alert} ${meaning}`, id: found[at]?.runbookId }];
    });
    expect(meant.length).toBeGreaterThan(200);
    const first = meant.filter(({ query, id }) => index.search(query, { outdated: true })[0]?.runbookId === id);
    expect(first.length / meant.length).toBeGreaterThan(0.95);
    index.close();
  },
);
