import { escapePointer } from "../pointer.ts";
import type { Vault } from "./vault.ts";

/** What somebody is shown of a value, and what of it they are not. */
export interface Shown<Value> {
  readonly value: Value;
  /** Classes of which values were put in; each of them is on record. */
  readonly revealed: readonly string[];
  readonly withheld: readonly Withheld[];
}

/** Values of a class for which tokens go on to stand. */
export interface Withheld {
  readonly class: string;
  /** `erased`: of the run, so that nobody knows where its tokens stand; they look like any text. */
  readonly why: "not-cleared" | "masked" | "key-missing" | "erased";
  /** JSON pointers, sorted; none with `erased`. */
  readonly pointers: readonly string[];
}

/** What tokens are left in a value, by class and reason; what was erased comes last. */
export function withheldIn(value: unknown, vault: Vault): readonly Withheld[] {
  const found = new Map<string, { readonly class: string; readonly why: Withheld["why"]; readonly at: Set<string> }>();
  const text = (given: string, pointer: string) => {
    for (const { token, class: kind, isValue } of vault.known(given)) {
      if (isValue) continue;
      const why = vault.lackOf(token) ?? "not-cleared";
      const mark = JSON.stringify([kind, why]);
      const place = found.get(mark) ?? { class: kind, why, at: new Set<string>() };
      found.set(mark, place);
      place.at.add(pointer);
    }
  };
  const walk = (given: unknown, pointer: string): void => {
    if (typeof given === "string") return text(given, pointer);
    if (typeof given !== "object" || given === null) return;
    for (const [name, member] of Object.entries(given)) {
      const at = `${pointer}/${escapePointer(name)}`;
      if (!Array.isArray(given)) text(name, at);
      walk(member, at);
    }
  };
  walk(value, "");
  const left = [...found]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { class: kind, why, at }]) => ({ class: kind, why, pointers: [...at].sort() }));
  return [...left, ...vault.erased().map((kind) => ({ class: kind, why: "erased" as const, pointers: [] }))];
}
