import { SandboxError } from "../errors.ts";

/** Scenarios whose name, title or tags hold the text. @throws SandboxError `scenario/unknown` when there are none */
export function filtered<
  Named extends { readonly name: string; readonly title: string; readonly tags: readonly string[] },
>(scenarios: readonly Named[], filter: string | undefined): readonly Named[] {
  if (filter === undefined) return scenarios;
  const wanted = filter.toLowerCase();
  const found = scenarios.filter(({ name, title, tags }) =>
    [name, title, ...tags].some((text) => text.toLowerCase().includes(wanted)),
  );
  if (found.length === 0) throw new SandboxError("scenario/unknown", { filter });
  return found;
}
