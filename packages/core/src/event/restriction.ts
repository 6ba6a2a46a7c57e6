/** What is taken away from a tenant's runs at once, whatever they were granted when they started (D4). */
export interface Restrictions {
  /** Seq of the last change in the tenant's stream of restrictions, and in that of all tenants. */
  readonly version: string;
  readonly tools: readonly string[];
  readonly agents: readonly string[];
  /** Nothing at all may be done for this tenant any more. */
  readonly stopped: boolean;
}

/** What a kill switch or a revocation is about. */
export type RestrictionTarget =
  | { readonly kind: "tool"; readonly name: string }
  | { readonly kind: "agent"; readonly name: string }
  /** Everything of the tenant in whose stream it stands. */
  | { readonly kind: "tenant" };
