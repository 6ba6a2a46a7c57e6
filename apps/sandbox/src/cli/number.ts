import { SandboxError } from "../errors.ts";

const seedsMost = 1_000;

/** Seeds of `--seed`: `7`, or a range with both ends, `1..20`. @throws SandboxError `usage/wrong` */
export function seedsIn(text: string): number[] {
  const range = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text.trim());
  const first = Number(range?.[1]);
  const last = Number(range?.[2] ?? range?.[1]);
  if (!range || last < first) {
    throw new SandboxError("usage/wrong", { reason: `--seed takes a number or a range such as 1..20, not "${text}"` });
  }
  if (last - first >= seedsMost) {
    throw new SandboxError("usage/wrong", { reason: `--seed ${text} is more than ${seedsMost} seeds` });
  }
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** A whole number of an option, within bounds. @throws SandboxError `usage/wrong` */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most)) {
    throw new SandboxError("usage/wrong", {
      reason: `${option} takes a number from ${least} to ${most}, not "${text}"`,
    });
  }
  return number;
}
