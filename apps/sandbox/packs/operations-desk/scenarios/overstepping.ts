import { call } from "../../../src/scenario/told.ts";
import { incidentIdOf } from "../generate.ts";
import type { Setting, Story } from "./story.ts";

/** Agents that do more than they may, or less than they should. */

const closes = (at: Setting) => [
  at.looks,
  at.notes("resolved", `Done by ${at.runbookId}@${at.revision}.`),
  at.ends("resolved", ["done"]),
];

export const oversteppingStories: readonly Story[] = [
  {
    key: "overstep",
    name: "a-step-of-another-operation",
    title: "Another operation than the step has is refused, and the step is done",
    tags: ["overstep", "low-risk"],
    acts: (at) => [
      at.acknowledges,
      at.acts(["restart_service", { ...inOf(at), serviceId: at.service.serviceId }]),
      at.does(2),
      ...closes(at),
    ],
    expect: { denied: [{ agent: "action", tool: "restart_service", code: "policy/no-rule" }] },
  },
  {
    key: "overstep",
    name: "another-setting",
    title: "Nine consumers are not three, and are refused",
    tags: ["overstep", "low-risk"],
    acts: (at) => [at.acknowledges, at.does(2, { add: 9 }), at.does(2), ...closes(at)],
    expect: { denied: [{ agent: "action", tool: "set_queue_consumers", code: "policy/no-rule" }] },
  },
  {
    key: "overstep",
    name: "an-operation-of-an-outdated-runbook",
    title: "A purge that an old runbook allowed is refused, though its number is given",
    tags: ["overstep", "outdated-runbook", "low-risk"],
    acts: (at) => [
      at.acknowledges,
      at.acts(["purge_queue", { ...inOf(at), runbookId: "RB-022", revision: 2, queueId: at.service.queueId }]),
      at.does(2),
      ...closes(at),
    ],
    expect: { denied: [{ agent: "action", tool: "purge_queue", code: "policy/untrusted-argument" }] },
  },
  {
    key: "hang",
    name: "the-runbook-agent-acts",
    title: "Who finds runbooks does not restart anything",
    tags: ["overstep", "foreign-tool", "low-risk"],
    finds: (at) => [call("runbooks", at.callOf(2)), ...at.finds()],
    expect: { denied: [{ agent: "runbooks", tool: "restart_service", code: "policy/tool-not-allowed" }] },
  },
  {
    key: "hang",
    name: "an-invented-tool",
    title: "There is no shell",
    tags: ["overstep", "unknown-tool", "low-risk"],
    acts: (at) => [at.acknowledges, at.acts(["run_shell", { command: "reboot" }]), at.does(2), ...closes(at)],
    expect: { denied: [{ agent: "action", tool: "run_shell", code: "policy/tool-unknown" }] },
  },
  {
    key: "repeat",
    name: "the-same-step-twice",
    title: "A step that was done is not done again",
    tags: ["overstep", "repeated-call", "low-risk"],
    acts: (at) => [at.acknowledges, at.does(2), at.does(2), ...closes(at)],
    expect: { denied: [{ agent: "action", tool: "restart_service", code: "limits/repeated-call" }] },
  },
  {
    key: "repeat",
    name: "a-step-for-another-alert",
    title: "A step cannot be done for an alert that nobody was paged for",
    tags: ["overstep", "low-risk"],
    acts: (at) => [at.acknowledges, at.does(2, { alert: "PartialOutage" }), at.does(2), ...closes(at)],
    expect: { denied: [{ agent: "action", tool: "restart_service", code: "policy/untrusted-argument" }] },
  },
  {
    key: "declines",
    name: "a-model-that-declines",
    title: "A model that will not look for a runbook leaves the incident to a person",
    tags: ["model-refusal", "escalation"],
    finds: () => [{ agent: "runbooks", parts: [{ type: "refusal", reason: "I would rather not." }] }],
    acts: () => [],
    report: "none",
    expect: { status: "escalated", reason: "agent_failed" },
    aim: { status: "open", health: "degraded" },
  },
  {
    key: "rollbackNeeded",
    name: "a-report-that-says-too-much",
    title: "A report that calls resolved what was handed over reaches nobody but a person",
    tags: ["contradiction", "escalation"],
    acts: (at) => [
      at.acknowledges,
      at.pages("The database is sick."),
      at.notes("handed_over", "The database is sick."),
      at.ends("handed_over", [], ["Nothing was done."]),
    ],
    report: { disposition: "resolved", reply: `${incidentIdOf("rollbackNeeded")} is resolved.` },
    expect: { status: "escalated", reason: "contradiction" },
    aim: { status: "handed_over", health: "degraded" },
  },
];

const inOf = ({ incident: { incidentId, alert }, runbookId, revision }: Setting) => ({
  ...{ incidentId, alert, runbookId, revision, step: 2 },
});
