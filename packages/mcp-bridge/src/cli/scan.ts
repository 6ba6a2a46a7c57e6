import { readMcpConfig } from "../config.ts";
import { maskFor } from "../connect.ts";
import { McpError } from "../errors.ts";
import { inspectMcp, type McpInspection } from "../inspect.ts";
import { cut, visible } from "../text.ts";
import { type McpTransport, stdio, targetOf } from "../transport.ts";
import type { Context, ExitCode } from "./context.ts";

export interface ScanOptions {
  /** Print the member `remit` for each server, as JSON, and nothing else. */
  readonly json?: boolean;
  /** Print the options of `connectMcp` in place of JSON. */
  readonly ts?: boolean;
}

interface Scanned {
  readonly name: string;
  readonly transport: McpTransport;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Looks at the servers of a file, or at the one that a command starts, and proposes what to say of their tools. Starting
 * a server runs its code: that much trust it needs before.
 */
export async function scan(words: readonly string[], options: ScanOptions, context: Context): Promise<ExitCode> {
  const servers = await serversOf(words, context);
  const looks = await Promise.allSettled(servers.map((server) => inspectMcp({ ...server, clock: context.clock })));
  let code: ExitCode = 0;
  const found: [string, McpInspection, Scanned][] = [];
  for (const [index, look] of looks.entries()) {
    const scanned = servers[index] as Scanned;
    const { name } = scanned;
    if (look.status === "fulfilled") found.push([name, look.value, scanned]);
    else if (McpError.is(look.reason)) {
      code = 1;
      context.warn(`${name}: ${visible(look.reason.message)}`);
      context.warn(`  ${look.reason.hint}`);
    } else throw look.reason;
  }
  if (options.json === true) {
    const proposed = Object.fromEntries(found.map(([name, seen]) => [name, { remit: proposedMember(seen) }]));
    context.print(JSON.stringify(proposed, null, 2));
    return code;
  }
  for (const [name, seen, scanned] of found) {
    for (const line of seenLines(name, seen)) context.print(line);
    context.print("");
    context.print(
      "Proposed, for you to correct: guessed from names and hints of the server, high risk where in doubt.",
    );
    const lines = options.ts === true ? typescriptOf(scanned, seen) : jsonOf(seen);
    for (const line of lines) context.print(`  ${line}`);
    context.print("");
  }
  return code;
}

async function serversOf(words: readonly string[], { env }: Context): Promise<readonly Scanned[]> {
  const [first = "", ...rest] = words;
  if (words.length === 1 && /\.jsonc?$/.test(first)) {
    const { servers } = await readMcpConfig(first, { env });
    return Object.entries(servers).map(([name, { transport, secrets }]) => ({ name, transport, secrets }));
  }
  return [{ name: "server", transport: stdio(first, rest), secrets: {} }];
}

const descriptionBytes = 400;

function seenLines(name: string, seen: McpInspection): readonly string[] {
  const { server, identity, instructions, tools, invalid } = seen;
  const from = identity.kind === "http" ? identity.origin : [identity.command, ...identity.args].join(" ");
  const version =
    identity.kind === "stdio" && identity.package ? ` (${identity.package.name} ${identity.package.version})` : "";
  const said = visible(`${server.name} ${server.version}`);
  const lines = [
    `${name}: ${visible(from)}${version}; calls itself ${said}, protocol ${visible(server.protocolVersion)}`,
  ];
  if (instructions !== undefined) lines.push(`  instructions, not told to models: ${shown(instructions)}`);
  for (const { kind, excerpt } of seen.signals) lines.push(`    ! ${kind}: ${excerpt}`);
  for (const { pin, definition, signals, proposal } of tools) {
    lines.push("", `  ${definition.name}  ${pin}`, `    ${shown(definition.description ?? definition.title ?? "")}`);
    const effect = proposal.effect === "read" ? "read" : `write, ${proposal.risk} risk`;
    lines.push(`    proposed: ${effect}, because ${proposal.because}`);
    for (const { kind, pointer, excerpt } of signals) lines.push(`    ! ${kind} at ${visible(pointer)}: ${excerpt}`);
  }
  for (const { tool, like } of seen.lookAlikes) lines.push("", `  ! ${visible(tool)} looks like ${like}`);
  for (const { name: tool, reason } of invalid)
    lines.push("", `  ! not usable: ${visible(tool) || "(no name)"}: ${reason}`);
  return lines;
}

function shown(text: string): string {
  return cut(visible(text.replace(/\s+/g, " ").trim()), descriptionBytes);
}

function proposedMember({ tools }: McpInspection) {
  return {
    tools: Object.fromEntries(
      tools.map(({ definition, proposal }) => {
        const { because: _, ...said } = proposal;
        return [definition.name, said] as const;
      }),
    ),
  };
}

function jsonOf(seen: McpInspection): readonly string[] {
  return `"remit": ${JSON.stringify(proposedMember(seen), null, 2)}`.split("\n");
}

function typescriptOf({ name, transport, secrets }: Scanned, { identity, tools }: McpInspection): readonly string[] {
  const written =
    identity.kind === "http"
      ? `${transport.kind}({ url: ${JSON.stringify(maskFor(transport, secrets)(targetOf(transport)))} })`
      : `stdio(${JSON.stringify(identity.command)}, ${JSON.stringify(identity.args)})`;
  const lines = tools.map(({ pin, definition, proposal }) => {
    const { because, ...said } = proposal;
    const members = Object.entries({ ...said, pin }).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
    const key = /^[A-Za-z_$][\w$]*$/.test(definition.name) ? definition.name : JSON.stringify(definition.name);
    return `    ${key}: { ${members.join(", ")} }, // ${because}`;
  });
  return [
    `const ${name.replace(/\W/g, "_")} = await connectMcp({`,
    `  name: ${JSON.stringify(name)},`,
    `  transport: ${written},`,
    "  tools: {",
    ...lines,
    "  },",
    "});",
  ];
}
