import { OrchestrationError } from "../errors.ts";
import type { Restrictions } from "../event.ts";

/** What is taken away from a tenant now. Asked before each call, so the answer should be at hand; must not throw. */
export type LiveRestrictions = (tenant: string) => Restrictions | Promise<Restrictions>;

/** @throws OrchestrationError `policy/revoked` when this tenant may do nothing, or not with this agent or tool */
export function assertUnrestricted(
  { stopped, agents, tools }: Restrictions,
  { tenant, agent, tool }: { readonly tenant: string; readonly agent: string; readonly tool?: string },
): void {
  const refuse = (target: string) => new OrchestrationError("policy/revoked", { target, tenant });
  if (stopped) throw refuse(`tenant:${tenant}`);
  if (agents.includes(agent)) throw refuse(`agent:${agent}`);
  if (tool !== undefined && tools.includes(tool)) throw refuse(`tool:${tool}`);
}
