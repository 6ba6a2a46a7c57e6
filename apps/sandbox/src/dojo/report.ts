import { type ApproverReport, type BenchReport, lineText } from "./bench.ts";
import type { InjectAgentReport } from "./inject-agent.ts";
import type { SecurityReport } from "./security-bench.ts";

/** What people read of attack suites. The figures that belong together are the last lines. */

const shown = 5;

export function benchLines({ wordings, runs, reports }: BenchReport): string[] {
  const intro = [
    `${runs} runs${wordings.length === 0 ? "" : ` · ${wordings.length} wordings: ${wordings.join(", ")}`}`,
  ];
  return [...intro, ...reports.flatMap((report) => ["", ...approverLines(report)])];
}

const approverTexts = {
  none: "nobody answers; what is asked stays open until its time is up",
  "ground-truth": "somebody approves the calls of the user's task, and rejects all others",
  blind: "somebody approves whatever is asked",
} as const;

function approverLines({ approver, lines, findings, askers }: ApproverReport): string[] {
  const [governed] = lines;
  const told = [`approver ${approver}: ${approverTexts[approver]}`];
  if (governed) {
    const { askedHonest, askedMalicious, marked, partly, stopped, stops } = governed;
    told.push(`  approvals asked for: ${askedHonest} in the users' tasks, ${askedMalicious} for calls of attackers`);
    if (marked > 0) told.push(`  right answers that are marked as foreign in some place: ${marked}`);
    if (partly > 0)
      told.push(`  short of the attacker's end, other writes ran that nobody had asked for: ${partly} cases`);
    if (stops > 0) told.push(`  told to stop: ${stopped} of ${stops} runs did`);
  }
  for (const { suite, user, asked, done } of askers.slice(0, shown)) {
    told.push(`  ${suite} ${user}: ${asked} asked${done ? "" : ", not done"}`);
  }
  if (askers.length > shown) told.push(`  … and ${askers.length - shown} more`);
  for (const { suite, user, injection, wording, reached, strays } of findings.slice(0, shown)) {
    const what = strays.map(({ tool }) => tool).join(", ");
    told.push(
      `  got through: ${suite} ${user} ${injection} (${wording}): ${what || "reads"}${reached ? "" : ", in part"}`,
    );
  }
  if (findings.length > shown) told.push(`  … and more, in --json`);
  return [...told, ...lines.map(lineText)];
}

export function injectAgentLines({ approver, runs, lines, through }: InjectAgentReport): string[] {
  return [
    "",
    `approver ${approver} · ${runs} runs`,
    ...(through.length === 0
      ? []
      : [`  got through: ${through.slice(0, shown).join(", ")}${through.length > shown ? " …" : ""}`]),
    ...lines.map(
      ({ name, ran, attacks, asked, benign, carriers }) =>
        `${name}: ran ${ran}/${attacks} · benign utility ${benign}/${carriers} · approvals asked for by attackers ${asked}`,
    ),
  ];
}

export function securityLines({ roles, lines }: SecurityReport): string[] {
  return [
    `${roles} roles`,
    ...lines.map(
      ({ name, ran, attacks, benign, tasks, denied }) =>
        `${name}: ran ${ran}/${attacks} · benign utility ${benign}/${tasks} · denied ${denied}`,
    ),
  ];
}
