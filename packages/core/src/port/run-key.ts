/** Which run. */
export interface RunKey {
  readonly tenant: string;
  readonly runId: string;
}
