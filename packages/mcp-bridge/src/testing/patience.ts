/** How long a test looks again: it ends what hangs, and decides nothing else. */
export const patience = { timeout: 60_000 };
