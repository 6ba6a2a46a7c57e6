/**
 * Told of what somebody gave in place of an answer. A promise is none, and nobody waits for it: where it fails, that shall
 * end no process with all its runs.
 */
export function unheard(answer: unknown): void {
  if (answer instanceof Promise) answer.catch(() => undefined);
}
