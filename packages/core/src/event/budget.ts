/** An amount that a budget bounds. A member that is left out is not bounded. */
export interface BudgetAmount {
  /** Millionths of a US dollar. */
  readonly microUsd?: number;
  /** Input and output tokens together. */
  readonly tokens?: number;
}

/** An amount that was set aside or used: both members, in full. */
export interface Spend {
  readonly microUsd: number;
  readonly tokens: number;
}

/** The budgets that bound one run, fixed when it starts: its own, and one for each agent by name. */
export interface RunBudget {
  readonly run?: BudgetAmount;
  readonly agents?: { readonly [agent: string]: BudgetAmount };
  /** The run takes slices of its tenant's budget. */
  readonly tenant?: true;
}
