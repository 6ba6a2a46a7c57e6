import { wrap } from "../face/text.ts";
import type { Context, ExitCode } from "./context.ts";
import { onInterrupt } from "./interrupt.ts";
import { openPack, packNames } from "./packs.ts";
import { newSuites, play } from "./play.ts";
import { conclude } from "./run.ts";
import { openStore } from "./store.ts";

/** The scenario that a newcomer sees: handoffs, a denied call, a question, a write. */
const featured = "a-tool-of-somebody-else";

/** A newcomer's first minute: one run as it happens, then all of them, then what to do next. */
export async function demo(context: Context): Promise<ExitCode> {
  const { out, err, place } = context;
  const { strong, quiet, name } = out.paint;
  const chosen = { name: packNames[0] };
  const pack = await openPack(chosen);
  const scenarios = pack.scenarios();
  const watch = (scenarios.find((scenario) => scenario.name === featured) ?? scenarios[0])?.name;
  const suites = newSuites({
    pack: chosen,
    model: { name: "oracle" },
    seeds: [1],
    approver: "auto",
    scenarios: () => scenarios.map((one) => one.name),
    now: new Date(),
  });

  await using store = openStore(place);
  using interrupt = onInterrupt(() => {
    err.print("", "Stopping: what is under way comes to its end. Ctrl-C again ends at once.");
  });
  const about =
    "A shop's service desk: five agents, a supervisor that decides who is next, tools behind a server process of their own. Models are scripted, so no key is needed. First one run as it happens, then all of them.";
  out.print(strong("Remit: teams of agents that stay within their remit"), ...wrap(about, out.columns, 5).map(quiet));
  const played = await play({
    place,
    store,
    pack,
    suites,
    concurrency: 8,
    screen: out,
    watch,
    report: true,
    interrupt,
  });
  const code = conclude(played, { command: "demo", json: false }, context);
  if (watch === undefined || played.stopped !== undefined) return code;
  const next: [string, string][] = [
    [place.command(`show ${watch} --payloads`), "that run again, with everything that was handed over"],
    [place.command(`replay ${watch}`), "decide it again from its journal alone, and compare"],
    [place.command("run --model noisy --seed 1..5"), "the same desk with models that make mistakes"],
    [place.command("graph"), "the supervisor, as a Mermaid diagram"],
    [place.command("console"), "all runs in a browser: paths, timelines, what waits for you"],
  ];
  const width = Math.max(...next.map(([command]) => command.length));
  const fits = next.every(([, why]) => width + why.length + 4 <= out.columns);
  out.print("", strong("Next"));
  for (const [command, why] of next) {
    if (fits) out.print(`  ${name(command.padEnd(width))}  ${quiet(why)}`);
    else out.print(`  ${name(command)}`, `      ${quiet(why)}`);
  }
  return code;
}
