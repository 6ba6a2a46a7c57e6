import { type Principal, sha256 } from "@remit/core";
import { isListed, mayBeListed } from "./named-uri.ts";

/** Who calls a server of ours, once that is found out. Made by whoever authenticates; what it holds is the operator's word. */
export interface McpClient {
  readonly principal: Principal;
  readonly tenant: string;
  /** Names of the tools that exist for it; all that are served when absent. */
  readonly tools?: readonly string[];
  /** URIs of the resources that exist for it, `…*` for all that begin so and lead nowhere else; all when absent. */
  readonly resources?: readonly string[];
  /** Names of the prompts that exist for it; all that are served when absent. */
  readonly prompts?: readonly string[];
  readonly budget?: McpClientBudget;
}

/** What a client may use. What is absent is unbounded. */
export interface McpClientBudget {
  /** Calls begun within any 60 seconds. */
  readonly callsPerMinute?: number;
  /** Calls under way at once, those that wait for the client included. */
  readonly concurrentCalls?: number;
  /** Calls in all, for as long as the server lives. */
  readonly calls?: number;
}

/** The same for the same principal of the same tenant, and no other. */
export function clientKey({ principal, tenant }: McpClient): string {
  return sha256(JSON.stringify([tenant, principal.kind, principal.id, principal.onBehalfOf ?? null]));
}

export function mayCall(client: McpClient, tool: string): boolean {
  return client.tools?.includes(tool) ?? true;
}

export function mayPrompt(client: McpClient, prompt: string): boolean {
  return client.prompts?.includes(prompt) ?? true;
}

export function mayRead(client: McpClient, uri: string): boolean {
  return client.resources === undefined || isListed(uri, client.resources);
}

/** Whether it may read something that is made of the template. */
export function mayReadOf(client: McpClient, template: string): boolean {
  return client.resources === undefined || mayBeListed(template, client.resources);
}
