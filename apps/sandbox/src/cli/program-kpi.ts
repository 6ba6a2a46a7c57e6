import type { Command } from "commander";
import type { Context, ExitCode } from "./context.ts";

/** An option that may be given often. */
export function collected(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** The command that says what runs come to in numbers. */
export function addKpi(
  remit: Command,
  { shared, done }: { readonly shared: () => Context; readonly done: (code: ExitCode) => void },
): void {
  remit
    .command("kpi")
    .description("what a suite's runs come to in numbers, or how two suites differ")
    .argument("[suite]", "a suite, or a part of its id (default: the newest one)")
    .argument("[after]", "a second suite, which the first one is compared with")
    .option("--by <dimension>", "tag, status, model, definition or intent (default: tag)")
    .option(
      "--gate <bound>",
      "a KPI that the runs have to keep, such as containment>=0.6; may be given often",
      collected,
    )
    .option("--gates <file>", "a YAML list of such bounds")
    .option("--json", "print one JSON document and nothing else")
    .addHelpText(
      "after",
      `
Everything is read from the journal again, by the functions of @remit/core/kpi; docs/guides/kpis.md says what each number
means. Rates stand beside what they are of. Of two suites, such as two seeds, models or versions, the second is what came
after, and gates are about it. The exit code is 1 where a gate is missed, or a journal is not what was written.

Examples:
  remit kpi
  remit kpi --by intent
  remit kpi 20260121-153012-a1b2c3-s1 20260121-153012-a1b2c3-s2
  remit kpi --gate 'containment>=0.6' --gate 'toolFailure[get_order]<=1%' --gate 'firstResponse.p95<=5s'
`,
    )
    .action(async (suite, after, options) => {
      const { kpi } = await import("./kpi.ts");
      done(await kpi(suite, after, options, shared()));
    });
}
