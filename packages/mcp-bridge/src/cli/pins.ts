import type { Json } from "@remit/core";
import type { DefinitionChange } from "../definition.ts";
import { allChanges } from "../definition.ts";
import { type PinDocument, pinsOf, type Sighting } from "../pin-store.ts";
import { visibleJson } from "../pins.ts";
import { connectMcpServers } from "../servers.ts";
import { signalsOf, textSignals } from "../signals.ts";
import { visible } from "../text.ts";
import type { Context, ExitCode } from "./context.ts";
import { openPlace, type Place } from "./place.ts";

export interface PinsOptions {
  readonly pins?: string;
  /** Starts no server; shows what is written down. */
  readonly offline?: boolean;
}

/** One thing that waits for a person. */
export interface Waiting {
  readonly server: string;
  /** Absent: the server itself. */
  readonly tool?: string;
  readonly pin: string;
  /** Absent for what is new. */
  readonly before?: Json;
  readonly after: Json;
}

/** Shows what is accepted and what waits. 1 when something waits, or a server could not be looked at. */
export async function pins(file: string, options: PinsOptions, context: Context): Promise<ExitCode> {
  const place = await openPlace(file, options.pins, context);
  const reached = options.offline === true || (await look(place, context));
  const document = await place.pins.read();
  for (const [server, { tools }] of Object.entries(place.config.servers)) {
    const known = pinsOf(document, server);
    context.print(`${server}: ${acceptedWords(known.server)}`);
    for (const { remoteName } of Object.values(tools)) {
      const tool = remoteName ?? "";
      const sighting = Object.hasOwn(known.tools, tool) ? known.tools[tool] : undefined;
      context.print(`  ${visible(tool)}: ${acceptedWords(sighting ?? {})}`);
    }
  }
  const waiting = waitingIn(document, place);
  for (const one of waiting) for (const line of ["", ...waitingLines(one)]) context.print(line);
  if (waiting.length > 0) {
    context.print("");
    context.print("To accept what is shown:");
    context.print(`  remit-mcp accept ${file} ${waiting.map(wordOf).join(" ")}`);
  }
  return waiting.length > 0 || !reached ? 1 : 0;
}

/** Looks at every server once, so that what is new or changed is written down. @returns whether all could be looked at */
export async function look({ config, pins: store }: Place, { clock, warn }: Context): Promise<boolean> {
  await store.read(); // A file that cannot be read is told before anything is started.
  const { servers } = config;
  const found = await connectMcpServers({ servers, names: config.names, pins: store, clock });
  await using _ = found;
  let reached = true;
  for (const { name, state, lastError, refused } of Object.values(found.status())) {
    if (state !== "ready") {
      reached = false;
      warn(`${name}: ${visible(lastError?.message ?? state)}`);
    }
    for (const { code, message } of Object.values(refused)) {
      if (code !== "mcp/tool-missing" && code !== "mcp/tool-invalid") continue;
      reached = false;
      warn(`${name}: ${visible(message)}`);
    }
  }
  return reached;
}

/** What waits of the servers of the configuration: first each server, then its tools. */
export function waitingIn(document: PinDocument, { config }: Place): readonly Waiting[] {
  return Object.keys(config.servers).flatMap((server) => {
    const { server: host, tools } = pinsOf(document, server);
    return [
      ...waitingOf({ server }, host),
      ...Object.entries(tools).flatMap(([tool, sighting]) => waitingOf({ server, tool }, sighting)),
    ];
  });
}

function waitingOf<Value>(
  where: { readonly server: string; readonly tool?: string },
  { accepted, pending }: Sighting<Value>,
): readonly Waiting[] {
  if (!pending) return [];
  const before = accepted === undefined ? {} : { before: accepted.value as unknown as Json };
  return [{ ...where, pin: pending.pin, ...before, after: pending.value as unknown as Json }];
}

/** `server=pin` or `server/tool=pin`: what a person says to accept it. */
export function wordOf({ server, tool, pin }: Waiting): string {
  const word = `${server}${tool === undefined ? "" : `/${tool}`}=${pin}`;
  return /^[\w@./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * What a person reads before accepting: all of what is new, or each place that changed, with nothing hidden and however
 * long it is. What was not shown was not accepted by anybody.
 */
export function waitingLines({ server, tool, before, after, pin }: Waiting): readonly string[] {
  const name = tool === undefined ? `the server ${server}` : `${visible(tool)} of ${server}`;
  const lines = [`${before === undefined ? "New" : "Changed"}: ${name}  ${pin}`];
  const shown =
    before === undefined
      ? textOf(after).map((line) => `  + ${line}`)
      : allChanges(before, after).flatMap((change) => changeLines(change));
  for (const line of shown) lines.push(line);
  const signals =
    tool === undefined
      ? textSignals(instructionsOf(after), "/instructions")
      : signalsOf(after as unknown as Parameters<typeof signalsOf>[0]);
  for (const { kind, pointer, excerpt } of signals) lines.push(`  ! ${kind} at ${visible(pointer)}: ${excerpt}`);
  return lines;
}

function instructionsOf(facts: Json): string {
  const { instructions } = facts as { readonly instructions?: unknown };
  return typeof instructions === "string" ? instructions : "";
}

function changeLines({ pointer, before, after }: DefinitionChange): readonly string[] {
  return [
    `  at ${visible(pointer)}`,
    ...(before === undefined ? [] : textOf(before).map((line) => `  - ${line}`)),
    ...(after === undefined ? [] : textOf(after).map((line) => `  + ${line}`)),
  ];
}

function textOf(value: Json): readonly string[] {
  const safe = visibleJson(value);
  return (typeof safe === "string" ? safe : JSON.stringify(safe, null, 2)).split("\n");
}

function acceptedWords<Value>({ accepted, pending }: Sighting<Value>): string {
  if (!accepted) return pending ? "new, waits" : "not seen yet";
  return `${pending ? "changed, waits; before" : "accepted"} by ${visible(accepted.by)} on ${accepted.at.slice(0, 10)}`;
}
