import type { Restrictions, RunStatus } from "../event.ts";
import type { PolicyPrincipal } from "../policy/request.ts";
import type { RunState } from "./state.ts";

/** A run before its first entry. */

export const notStarted = -1;

/** Stands where it is not known who started a run: somebody without any role. */
export const nobody: PolicyPrincipal = { id: "", kind: "user", roles: [], authenticated: false };

/** Nothing was taken away. */
export const noRestrictions: Restrictions = { version: "0.0", tools: [], agents: [], stopped: false };

export function emptyState(tenant: string, runId: string): RunState {
  return {
    tenant,
    runId,
    status: "running",
    startedAt: notStarted,
    steps: 0,
    handoffs: 0,
    microUsd: 0,
    labels: [],
    starter: { principal: "" },
    readings: [],
    readingBytes: 0,
    earlier: [],
    earlierBytes: {},
    plan: [],
    repeats: new Map(),
    agentCalls: new Map(),
    teams: new Map(),
    invocations: new Map(),
    calls: new Map(),
    asks: new Map(),
    outstanding: new Map(),
    answered: new Set(),
    uncertain: new Set(),
    approvals: new Map(),
    questions: new Map(),
    delegations: new Map(),
    depth: undefined,
    deadlineAt: undefined,
    delayed: new Map(),
    requesters: [],
    principal: nobody,
    restrictions: noRestrictions,
    budget: undefined,
    purse: {
      asked: [],
      slices: [],
      reserved: new Map(),
      spent: { microUsd: 0, tokens: 0 },
      elsewhere: { microUsd: 0, tokens: 0 },
      byAgent: new Map(),
      byPath: new Map(),
    },
    undoing: undefined,
    activeMs: 0,
    activeSince: 0,
    resting: false,
    resumes: 0,
    lastAt: 0,
    ending: undefined,
  };
}

export function isEnd(status: RunStatus): boolean {
  return status !== "running" && status !== "parked";
}
