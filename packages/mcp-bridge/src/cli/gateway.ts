import { open } from "node:fs/promises";
import { type Logger, reasonOf } from "@remit/core";
import { sqliteEngine } from "@remit/core/sqlite";
import { openGateway } from "../gateway/gateway.ts";
import { settingsOf } from "../gateway/settings.ts";
import type { McpServing, ServeMcpOptions } from "../serve.ts";
import { visible } from "../text.ts";
import type { Context, ExitCode } from "./context.ts";
import { openPlace } from "./place.ts";

export interface GatewayCommandOptions {
  readonly pins?: string;
  readonly verbose?: boolean;
}

export interface GatewayPorts {
  /** Hears of the gateway when it serves. */
  readonly onServing?: (serving: McpServing) => void;
  /** Ends it. */
  readonly signal?: AbortSignal;
  readonly transport?: ServeMcpOptions["transport"];
}

/** Stands between clients and the servers of a file, until the client goes, or somebody ends it. */
export async function gateway(
  file: string,
  options: GatewayCommandOptions,
  context: Context,
  ports: GatewayPorts = {},
): Promise<ExitCode> {
  const { config, pins } = await openPlace(file, options.pins, context);
  const settings = settingsOf(config.file, config.gateway);
  await pins.read(); // A file that cannot be read is told before anything is started.
  const logger = lineLogger(context, options.verbose ?? false);
  await using audit = await open(settings.audit, "a", 0o600);
  const opened = await openGateway({
    config,
    settings,
    pins,
    logger,
    clock: context.clock,
    ...(settings.journal === undefined ? {} : { engine: sqliteEngine({ path: settings.journal, logger }) }),
    ...(ports.transport === undefined ? {} : { transport: ports.transport }),
    audit: (entry) => audit.appendFile(`${JSON.stringify(entry)}\n`),
  });
  const { serving } = opened;
  // On stdio standard output is the protocol's.
  for (const [name, { state, refused }] of Object.entries(opened.status())) {
    const waiting = Object.keys(refused).length;
    context.warn(
      `${name}: ${state}${waiting > 0 ? `, ${waiting} waiting to be accepted (remit-mcp accept ${file})` : ""}`,
    );
  }
  context.warn(serving.address ? `Listening on ${serving.address.url}` : "Serving on standard input and output.");
  ports.onServing?.(serving);
  const stop = () => void opened.close();
  ports.signal?.addEventListener("abort", stop, { once: true });
  if (ports.signal?.aborted) stop();
  await serving.closed;
  await opened.close();
  return 0;
}

/** One line of text for each thing that matters, on standard error. */
function lineLogger({ warn }: Context, verbose: boolean): Logger {
  const line = (level: string) => (fields: object, message: string) => {
    const { reason, ...rest } = fields as { readonly reason?: unknown };
    const told = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : "";
    warn(visible(`${level}: ${message}${told}${reason === undefined ? "" : ` ${reasonOf(reason)}`}`));
  };
  const quiet = () => {};
  return {
    debug: quiet,
    info: verbose ? line("info") : quiet,
    warn: line("warning"),
    error: line("error"),
  };
}
