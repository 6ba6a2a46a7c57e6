import { type FaultKind, faultKinds } from "./fault.ts";
import { type SimulationOptions, type SimulationReport, simulate } from "./simulate.ts";

/**
 * Looks for smaller options under which the same seed still breaks the same promise: fewer runs, agents and levels, then
 * fewer kinds of faults.
 * @param budget simulations to spend at most
 */
export async function shrink(failed: SimulationReport, budget = 60): Promise<SimulationReport> {
  const promise = failed.violations[0]?.promise;
  let best = failed;
  let left = budget;
  const attempt = async (options: SimulationOptions): Promise<boolean> => {
    if (left-- <= 0) return false;
    const report = await simulate(failed.seed, options);
    if (report.violations[0]?.promise !== promise) return false;
    best = report;
    return true;
  };
  for (const smaller of [{ runs: 1 }, { depth: 0 }, { agents: 2 }, { agents: 3 }] as const) {
    if (await attempt({ ...best.options, ...smaller })) continue;
  }
  let kinds: readonly FaultKind[] = faultKinds.filter((kind) => best.coverage.faults.has(kind));
  if (!(await attempt({ ...best.options, faults: kinds }))) return best;
  for (let size = Math.ceil(kinds.length / 2); size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kinds.length && left > 0; ) {
      const fewer = [...kinds.slice(0, at), ...kinds.slice(at + size)];
      if (await attempt({ ...best.options, faults: fewer })) kinds = fewer;
      else at += size;
    }
  }
  return best;
}

/** The command that plays a simulation again. */
export function reproduction({ seed, options }: Pick<SimulationReport, "seed" | "options">): string {
  const parts = [`npm run sim -- --seed ${seed}`];
  for (const name of ["runs", "agents", "depth", "plant"] as const) {
    if (options[name] !== undefined) parts.push(`--${name} ${options[name]}`);
  }
  if (options.faults) parts.push(`--faults ${options.faults.join(",") || "none"}`);
  return parts.join(" ");
}
