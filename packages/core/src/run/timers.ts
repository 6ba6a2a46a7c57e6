/** Ids of a run's timers, by what they are for. */

export const activeTimer = "timer/active";
export const deadlineTimer = "timer/deadline";
export const startAtTimer = "timer/start";

export function retryTimer(path: string): string {
  return `timer/retry:${path}`;
}

export function approvalTimer(effect: string): string {
  return `timer/approval:${effect}`;
}

export function questionTimer(question: string): string {
  return `timer/question:${question}`;
}

export function lookTimer(path: string): string {
  return `timer/look:${path}`;
}
