import type { Json } from "@remit/core";

/** Errors of the sandbox itself: what a person did not give it right. Same form as the kernel's table. */
export const sandboxErrorCodes = {
  "scenario/file-missing": {
    retryable: false,
    message: "there is no scenario file at {file}",
    hint: "Name a .yaml file or a folder of them.",
  },
  "scenario/not-yaml": {
    retryable: false,
    message: "{file}:{line}: not YAML: {reason}",
    hint: "Mend the line; a colon or an indent is the usual cause.",
  },
  "scenario/field-wrong": {
    retryable: false,
    message: "{file}:{line}: {field}: {reason}",
    hint: "See docs/guides/run-scenarios.md for the fields of a scenario.",
  },
  "scenario/fixture-unknown": {
    retryable: false,
    message: "{file}:{line}: nothing is named {reference}",
    hint: "Known names are listed in the pack's fixtures.",
  },
  "scenario/name-taken": {
    retryable: false,
    message: "{file}: the {what} {text} is taken by {other}",
    hint: "Give each scenario a name and a title of its own.",
  },
  "scenario/unknown": {
    retryable: false,
    message: "no scenario matches {filter}",
    hint: "`remit list --scenarios` shows them.",
  },
  "invoices/folder-unfit": {
    retryable: false,
    message: "{folder} holds {count} XML and PDF files",
    hint: "Name a folder with at least one invoice as an .xml or .pdf file and at most {most}; subfolders are not looked into.",
  },
  "invoices/desk-wrong": {
    retryable: false,
    message: "{file}: {field}: {reason}",
    hint: "See the page of the pack invoice-desk for what desk.json may hold.",
  },
  "pack/unknown": {
    retryable: false,
    message: "there is no pack {pack}",
    hint: "Known packs: {known}. One of your own is named by its file, such as ./claims/pack.ts.",
  },
  "runbook/none-there": {
    retryable: false,
    message: "there is no runbook at {path}",
    hint: "Name a folder with .md or .jsonl files, or one such file.",
  },
  "runbook/not-read": {
    retryable: false,
    message: "{file}: no runbook that can be read: {reason}",
    hint: "Mend the file, or leave it out of the folder.",
  },
  "pack/tool-unknown": {
    retryable: false,
    message: "the pack {pack} has no tool {tool}",
    hint: "Add it to the pack's `tools`, or correct the name.",
  },
  "pack/name-invalid": {
    retryable: false,
    message: "{pack} is no name of a pack",
    hint: "Use lower-case letters, digits and hyphens, a letter first, at most 40.",
  },
  "pack/file-missing": {
    retryable: false,
    message: "there is no pack file at {file}",
    hint: "Correct the path. A suite keeps the path that it was played from: put the file back there, or play anew with `remit run`.",
  },
  "pack/not-loadable": {
    retryable: false,
    message: "{file} cannot be loaded: {reason}",
    hint: "It is run as a module by Node: mend it until `node {file}` runs. `--debug` shows where it fails.",
  },
  "pack/not-exported": {
    retryable: false,
    message: "{file} exports no pack",
    hint: "Write `export default definePack({ … })`.",
  },
  "pack/failed": {
    retryable: false,
    message: "`{member}` of the pack {pack} failed: {reason}",
    hint: "This is the pack's own code. `--debug` shows where it fails.",
  },
  "pack/changed": {
    retryable: false,
    message: "{file} is not what its suite was played with: {reason}",
    hint: "Take the file back from version control to go on with the suite, or play anew with `remit run`. A console goes by the files as they were when it first needed them: start it again after an edit. `remit show` and `remit audit` need no pack.",
  },
  "config/not-found": {
    retryable: false,
    message: "there is no remit.config.ts in {folder} or above it",
    hint: "Write one with `defineConfig` of @remit/sandbox, or name it with --config <file>.",
  },
  "config/file-missing": {
    retryable: false,
    message: "there is no configuration at {file}",
    hint: "Correct the path that --config names.",
  },
  "config/several-files": {
    retryable: false,
    message: "there are two configurations: {file} and {other}",
    hint: "Keep one of them, or say which with --config <file>.",
  },
  "config/not-loadable": {
    retryable: false,
    message: "{file} cannot be loaded: {reason}",
    hint: "It is run as a module by Node: mend it until `node {file}` runs. `--debug` shows where it fails.",
  },
  "config/not-exported": {
    retryable: false,
    message: "the default export of {file} is not its one configuration: {reason}",
    hint: "Write `export default defineConfig({ … })`, once.",
  },
  "config/field-wrong": {
    retryable: false,
    message: "{file}: {field}: {reason}",
    hint: "See docs/guides/run-scenarios.md for what a configuration holds.",
  },
  "config/member-missing": {
    retryable: false,
    message: "{file} says nothing of `{member}`, which this needs",
    hint: "Add it; docs/guides/run-scenarios.md has an example.",
  },
  "config/failed": {
    retryable: false,
    message: "{file}: `{member}` failed: {reason}",
    hint: "This is the configuration's own code. `--debug` shows where it fails.",
  },
  "own/tenant-missing": {
    retryable: false,
    message: "nobody says which tenant's runs are meant",
    hint: "Name one with --tenant <name>, or write `tenants` into {file}.",
  },
  "own/tenant-other": {
    retryable: false,
    message: "{tenant} is none of the tenants that are meant: {tenants}",
    hint: "Name it with --tenant {tenant}.",
  },
  "own/run-unknown": {
    retryable: false,
    message: "no run {run} is among those of {tenants}",
    hint: "`remit runs list` shows them; --tenant names another tenant. A part of the id is enough if it is the only one.",
  },
  "own/journal-missing": {
    retryable: false,
    message: "there is no journal at {path}",
    hint: "Correct `engine` in {file}, or let the application start a run first.",
  },
  "own/supervisor-unknown": {
    retryable: false,
    message: "{file} names no supervisor {supervisor}, whose run {run} is; it names {known}",
    hint: "Add it to `supervisors`.",
  },
  "own/left-under-way": {
    retryable: false,
    message: "{run} was left under way",
    hint: "What was said to it is kept. The application goes on with it when it calls `resume()` the next time.",
  },
  "own/run-under-way": {
    retryable: true,
    message: "{run} is under way, perhaps in another process, which would lose it to this one",
    hint: "Try again when it waits or has ended. If its process is gone, or it has to be stopped at once: --take-over.",
  },
  "scenario/name-invalid": {
    retryable: false,
    message: "the pack {pack} has a scenario named {scenario}, which is no name",
    hint: "Use letters, digits, hyphens and underscores, at most 80.",
  },
  "model/choice-unknown": {
    retryable: false,
    message: "there is no model {model}",
    hint: "Choose oracle, noop, noisy or workflow, or a live one: openai:<name>, anthropic:<name>, or compatible:<name> with --base-url.",
  },
  "model/price-unknown": {
    retryable: false,
    message: "nobody knows what {model} costs, so it is not called",
    hint: 'Say it in US dollars per million tokens, in a file that --routes names: prices: { "{name}": { input: 0.25, output: 2 } }',
  },
  "model/key-refused": {
    retryable: false,
    message: "{model}: {host} refuses the key in {variable} (status {status})",
    hint: "Nothing was played further, and no run has failed of it. Set the variable to a key that may use this model; `remit resume` goes on.",
  },
  "model/not-offered": {
    retryable: false,
    message: "{model}: {host} has no such model or address (status 404): {reason}",
    hint: "Correct the name, or the base URL, which has the version in it (http://127.0.0.1:11434/v1). Nothing was played further, and no run has failed of it.",
  },
  "routes/file-missing": {
    retryable: false,
    message: "there is no routes file at {file}",
    hint: "See docs/guides/run-scenarios.md for what it holds.",
  },
  "routes/not-yaml": {
    retryable: false,
    message: "{file}:{line}: not YAML: {reason}",
    hint: "Mend the line; a colon or an indent is the usual cause.",
  },
  "routes/field-wrong": {
    retryable: false,
    message: "{file}:{line}: {field}: {reason}",
    hint: "See docs/guides/run-scenarios.md for the fields of a routes file.",
  },
  "recording/missing": {
    retryable: false,
    message: "there is no recording in {folder}",
    hint: "`remit run --record <folder>` makes one.",
  },
  "recording/broken": {
    retryable: false,
    message: "{file} is no recording's file: {reason}",
    hint: "Take it back from version control, or record the suite again.",
  },
  "recording/foreign-folder": {
    retryable: false,
    message: "{folder} holds other files than a recording's",
    hint: "Name a folder of its own; it is made where it is absent.",
  },
  "suite/unknown": {
    retryable: false,
    message: "there is no suite {suite} in {folder}",
    hint: "`remit list` shows the suites; `remit run` makes one.",
  },
  "suite/broken": {
    retryable: false,
    message: "the suite file {file} cannot be read: {reason}",
    hint: "It was changed by hand or cut off; its runs are still in the journal.",
  },
  "suite/run-unknown": {
    retryable: false,
    message: "no run {run} is in {folder}",
    hint: "`remit list` shows the runs. A part of the id is enough if it is the only one.",
  },
  "suite/run-ambiguous": {
    retryable: false,
    message: "{run} stands for {count} runs: {runs}",
    hint: "Give more of the id.",
  },
  "approval/several-wait": {
    retryable: false,
    message: "{run} has {count} writes that wait: {addresses}",
    hint: "Give the whole address; `remit approvals list` shows them.",
  },
  "approval/none-waits": {
    retryable: false,
    message: "nothing of {run} waits for an approval at {effect}",
    hint: "It was decided meanwhile, has expired, or never was. `remit approvals list` shows what waits.",
  },
  "suite/ambiguous": {
    retryable: false,
    message: "{suite} stands for {count} suites: {suites}",
    hint: "Give more of the id.",
  },
  "console/listen-failed": {
    retryable: true,
    message: "the console cannot listen on {host}:{port}: {reason}",
    hint: "Name another port with --port, or none: then a free one is taken.",
  },
  "console/nothing-there": {
    retryable: false,
    message: "there is no {what} here",
    hint: "It is in another suite or folder, or never was.",
  },
  "console/request-invalid": {
    retryable: false,
    message: "the request cannot be read: {reason}",
    hint: "Load the page again and fill in what it asks for.",
  },
  "state/missing": {
    retryable: false,
    message: "nothing has been played in {folder} yet",
    hint: "`remit run` plays a suite; --state <folder> names another folder.",
  },
  "state/unusable": {
    retryable: true,
    message: "the state folder {folder} cannot be used: {reason}",
    hint: "Name another with --state <folder>, or mend its rights or the space on its disk.",
  },
  "system/refused": {
    retryable: true,
    message: "the system refused: {reason}",
    hint: "Check the path, its rights, and that there is room on the disk. `remit resume` goes on with a suite that was cut off.",
  },
  "sandbox/unforeseen": {
    retryable: false,
    message: "{reason}",
    hint: "This is a defect of Remit. `--debug` shows where it happened; please report it.",
  },
  "usage/wrong": { retryable: false, message: "{reason}", hint: "`remit --help` shows what there is." },
} as const;

export type SandboxErrorCode = keyof typeof sandboxErrorCodes;

/** An error of the sandbox: what happened with its values, and what to do. */
export class SandboxError extends Error {
  override readonly name = "SandboxError";
  readonly code: SandboxErrorCode;
  readonly hint: string;
  readonly data: Readonly<Record<string, Json>>;
  readonly retryable: boolean;

  constructor(
    code: SandboxErrorCode,
    data: Readonly<Record<string, Json>> = {},
    options?: { readonly cause?: unknown },
  ) {
    const entry = sandboxErrorCodes[code];
    super(`${code}: ${fill(entry.message, data)}`, options);
    this.code = code;
    this.data = data;
    this.hint = fill(entry.hint, data);
    this.retryable = entry.retryable;
  }
}

function fill(template: string, data: Readonly<Record<string, Json>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(data[name] ?? "?"));
}
