import { McpError } from "../errors.ts";
import { accept as accepted } from "../pin-store.ts";
import { visible } from "../text.ts";
import type { Context, ExitCode } from "./context.ts";
import { look, type PinsOptions, type Waiting, waitingIn, waitingLines } from "./pins.ts";
import { openPlace } from "./place.ts";

/** One word of a person: `server`, `server/tool`, or either with `=pin`, which says that it was read before. */
interface Wanted {
  readonly server: string;
  readonly tool: string | undefined;
  readonly pin: string | undefined;
}

/**
 * Accepts what a person was shown: by its pin, or, where somebody sits before it, after showing it and asking. Without
 * words everything that waits is shown and asked about, one after the other.
 */
export async function accept(
  file: string,
  words: readonly string[],
  options: PinsOptions,
  context: Context,
): Promise<ExitCode> {
  const place = await openPlace(file, options.pins, context);
  const wanted = words.map(wantedOf);
  const known = wanted.every(({ pin }) => pin !== undefined) && wanted.length > 0;
  // With pins it was looked at before, and what was read then is what counts.
  if (options.offline !== true && !known) await look(place, context);
  const waiting = waitingIn(await place.pins.read(), place);
  const chosen =
    wanted.length === 0 ? waiting.map((one) => ({ one, pin: undefined })) : wanted.map((word) => found(word, waiting));
  if (chosen.length === 0) context.print("Nothing waits.");
  const by = context.principal().id;
  let code: ExitCode = 0;
  for (const { one, pin } of chosen) {
    if (pin === undefined) {
      for (const line of waitingLines(one)) context.print(line);
      if (!context.ask) {
        context.warn("Nobody can be asked here. Say what is accepted with its pin, as `remit-mcp pins` prints it.");
        return 2;
      }
      if (!(await context.ask("Accept it?"))) {
        code = 1;
        continue;
      }
    }
    const { server, tool } = one;
    const at = new Date(context.clock.now()).toISOString();
    const said = { server, ...(tool === undefined ? {} : { tool }), pin: pin ?? one.pin, by, at };
    await place.pins.change((document) => accepted(document, said));
    context.print(`Accepted: ${tool === undefined ? server : `${server}/${visible(tool)}`} by ${by}.`);
  }
  return code;
}

function wantedOf(word: string): Wanted {
  const [, name = "", pin] = /^(.*?)(?:=(sha256-[\w-]{43}))?$/s.exec(word) ?? [];
  const slash = name.indexOf("/");
  return slash === -1
    ? { server: name, tool: undefined, pin }
    : { server: name.slice(0, slash), tool: name.slice(slash + 1), pin };
}

function found({ server, tool, pin }: Wanted, waiting: readonly Waiting[]): { one: Waiting; pin: string | undefined } {
  const one = waiting.find((candidate) => candidate.server === server && candidate.tool === tool);
  if (one && (pin === undefined || pin === one.pin)) return { one, pin };
  const what = tool === undefined ? `the server ${server}` : `the tool ${tool} of ${server}`;
  const reason = one ? `${what} waits with ${one.pin}, not with ${pin}` : `nothing of ${what} waits`;
  throw new McpError("mcp/acceptance-stale", { reason: visible(reason), what: visible(what) });
}
