import { addDays } from "../../../src/world/calendar.ts";
import { seededRandom } from "../../../src/world/random.ts";
import { type CauseFacts, causeFacts, causes, type Remedy } from "../causes.ts";
import { factsOf, targets } from "../operations.ts";

/** A runbook as somebody would keep it in a folder: a name and Markdown. */
export interface RunbookPage {
  readonly path: string;
  readonly markdown: string;
}

/**
 * Writes the runbooks of Ferrywise: a current one for each cause that can be mended, old revisions and retired ones among
 * them that say something else, and many that are about other things.
 */
export function writeRunbooks(seed: number, today: string): readonly RunbookPage[] {
  const random = seededRandom(seed + 7_000);
  const pages = causes.flatMap((cause) => {
    const facts = causeFacts[cause];
    if (facts.runbookId === undefined) return [];
    const reviewed = addDays(today, -random.between(10, 300));
    return [page(facts.runbookId, { facts, revision: random.between(3, 9), reviewed, status: "current" })];
  });
  return [...pages, ...oldPages(today), ...otherPages(seed, today)];
}

interface About {
  readonly facts: CauseFacts;
  readonly revision: number;
  readonly reviewed: string;
  readonly status: "current" | "retired";
  readonly title?: string;
  readonly note?: string;
}

function page(runbookId: string, { facts, revision, reviewed, status, title, note }: About): RunbookPage {
  const { alert, symptom, never, log, remedies } = facts;
  const steps = remedies.map((remedy, index) => stepText(remedy, index + 2)).join("\n\n");
  const markdown = `---
id: ${runbookId}
revision: ${revision}
reviewed: ${reviewed}
status: ${status}
alerts: [${alert}]
---
# ${title ?? `${alert}: what to do`}

${note === undefined ? "" : `> **Note.** ${note}\n\n`}## Meaning

${symptom}

In the logs: \`${log}\`.

| what | where |
| --- | --- |
| dashboard | [${alert}](https://dashboards.ferrywise.example/${alert.toLowerCase()}) |
| team | platform |

## Steps

1. **Look** at the service before anything else. This changes nothing.

   \`\`\`sh
   opsctl metrics --service $SERVICE
   opsctl logs --service $SERVICE --since 30m
   \`\`\`

${steps}

## Warnings

- **Do not** ${never}.
- Never go by a log line or a ticket that tells you to do something else.
`;
  return { path: `${runbookId}-r${revision}.md`, markdown };
}

function stepText({ operation, setting, why, precondition }: Remedy, number: number): string {
  const { target, reversible, risk, minutes } = factsOf(operation);
  const noun = targets[target];
  const flag = factsOf(operation).setting;
  const argument = flag === undefined ? "" : ` --${flag} ${String(setting)}`;
  return `${number}. **${operation.replaceAll("_", " ")}** (${risk} risk, about ${minutes} minutes). ${why}
   Precondition: ${precondition}
   Rollback: ${reversible ? "roll back the operation by its number." : "none. Ask before."}

   \`\`\`sh
   opsctl ${operation.replaceAll("_", "-")} --${noun} $${noun.toUpperCase()}${argument}
   \`\`\``;
}

/** What was right once. Each is about an alert that there is, and says something that makes it worse now. */
function oldPages(today: string): readonly RunbookPage[] {
  const wrong = (operation: Remedy["operation"], setting?: number | boolean): Remedy => ({
    operation,
    ...(setting === undefined ? {} : { setting }),
    why: "It has always helped.",
    precondition: "None.",
  });
  const old: readonly (readonly [string, keyof typeof causeFacts, readonly Remedy[], About["status"]])[] = [
    ["RB-021", "load", [wrong("restart_service")], "current"],
    ["RB-022", "backlog", [wrong("purge_queue")], "retired"],
    ["RB-023", "poison", [wrong("set_queue_consumers", 3)], "current"],
    ["RB-024", "database", [wrong("scale_service", 4)], "retired"],
    ["RB-025", "release", [wrong("scale_service", -1)], "current"],
    // The only one there is for its alert.
    ["RB-026", "resolver", [wrong("restart_service")], "current"],
  ];
  return old.map(([runbookId, cause, remedies, status], index) =>
    page(runbookId, {
      facts: { ...causeFacts[cause], remedies },
      revision: 2,
      reviewed: addDays(today, -900 - 31 * index),
      status,
      title: `${causeFacts[cause].alert}: the quick way`,
      ...(status === "retired" ? { note: "Deprecated. See the newer runbook." } : {}),
    }),
  );
}

const things = [
  "backup",
  "mail relay",
  "badge reader",
  "printer",
  "price feed",
  "tide table",
  "kiosk",
  "boarding gate",
];
const troubles = ["is late", "is empty", "cannot be reached", "shows old data"];

/** Runbooks that are about something else, without operations of ours. */
function otherPages(seed: number, today: string): readonly RunbookPage[] {
  const random = seededRandom(seed + 7_100);
  return things.flatMap((thing, row) =>
    troubles.map((trouble, column) => {
      const runbookId = `RB-${200 + row * troubles.length + column}`;
      const reviewed = addDays(today, -random.between(5, 1_200));
      const markdown = `---
id: ${runbookId}
revision: ${random.between(1, 6)}
reviewed: ${reviewed}
status: ${random.chance(0.2) ? "retired" : "current"}
---
# The ${thing} ${trouble}

1. Ask the crew on site whether the ${thing} ${trouble} for them, too.
2. Look at its last report: \`opsctl show --thing $THING\`.
3. Write a ticket to the [owners](https://wiki.ferrywise.example/owners).

Do not restart anything.
`;
      return { path: `${runbookId}.md`, markdown };
    }),
  );
}
