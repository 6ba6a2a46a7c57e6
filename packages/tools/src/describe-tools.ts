import type { AnyTool } from "@remit/core";

const headings = ["tool", "effect", "risk", "idempotency", "timeout", "protects", "description"] as const;

/**
 * A table of tools for people: what each does to the outside, how risky it is, and how an unknown outcome is settled.
 * One line per tool in the order given, columns padded with spaces, the description cut to its first sentence.
 */
export function describeTools(tools: readonly AnyTool[]): string {
  const rows = [headings, ...tools.map(rowOf)];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function rowOf(tool: AnyTool): readonly string[] {
  const write = tool.effect === "write";
  return [
    tool.name,
    tool.effect,
    write ? tool.risk : "-",
    write ? tool.idempotency : "-",
    `${tool.timeoutMs} ms`,
    tool.protect.join(", ") || "-",
    firstSentence(tool.description),
  ];
}

function firstSentence(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  const end = line.search(/[.!?] /);
  const sentence = end === -1 ? line : line.slice(0, end + 1);
  return sentence.length > 100 ? `${sentence.slice(0, 99)}…` : sentence;
}
