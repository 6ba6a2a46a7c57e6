import { SandboxError } from "../errors.ts";
import { printable } from "../face/text.ts";

/** What is wrong, as a person and as a program read it. */
export interface Complaint {
  readonly code: string;
  /** What happened, with its values; without the code. */
  readonly message: string;
  readonly hint: string;
  /** Single places that are wrong, where the error names them. */
  readonly issues: readonly string[];
  /** True for an error that nobody foresaw: a defect, not a mistake of the person. */
  readonly unforeseen: boolean;
}

const codeForm = /^[a-z0-9-]+\/[a-z0-9-]+$/;
const issuesShown = 5;

/**
 * Reads any error. Ours (of every package, also of another copy) carry a code and a hint; the system's name a call;
 * everything else is a defect.
 */
export function complaintOf(thrown: unknown): Complaint {
  const error = (typeof thrown === "object" && thrown !== null ? thrown : {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly hint?: unknown;
    readonly syscall?: unknown;
    readonly data?: { readonly issues?: unknown };
  };
  const message = typeof error.message === "string" ? error.message : String(thrown);
  if (typeof error.code === "string" && codeForm.test(error.code)) {
    const text = message.startsWith(`${error.code}: `) ? message.slice(error.code.length + 2) : message;
    const hint = typeof error.hint === "string" ? error.hint : "";
    return { code: error.code, message: text, hint, issues: issuesIn(error.data?.issues), unforeseen: false };
  }
  const isSystem = typeof error.code === "string" && typeof error.syscall === "string";
  const data = { reason: message };
  return isSystem
    ? complaintOf(new SandboxError("system/refused", data))
    : { ...complaintOf(new SandboxError("sandbox/unforeseen", data)), unforeseen: true };
}

/**
 * The complaint as lines for standard error.
 * @param command writes a command as the person calls it; hints say `remit …`
 */
export function complaintLines(
  { code, message, hint, issues }: Complaint,
  command: (words: string) => string,
): string[] {
  const own = hint.replace(/`remit ([^`]*)`/g, (_, words: string) => `\`${command(words)}\``);
  // A file, a server or a model may have said a part of it.
  return [
    `remit: ${code}: ${message}`,
    ...issues.map((issue) => `  ${issue}`),
    ...(own === "" ? [] : [`  ${own}`]),
  ].map(printable);
}

function issuesIn(issues: unknown): string[] {
  if (!Array.isArray(issues)) return [];
  const texts = issues.flatMap((issue: { readonly pointer?: unknown; readonly message?: unknown } | null) =>
    typeof issue?.message === "string" ? [`${String(issue.pointer ?? "") || "the whole"}: ${issue.message}`] : [],
  );
  const more = texts.length - issuesShown;
  return more > 0 ? [...texts.slice(0, issuesShown), `… and ${more} more`] : texts;
}
