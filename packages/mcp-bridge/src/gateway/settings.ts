import { dirname, resolve } from "node:path";
import { service } from "@remit/core";
import { z } from "zod";
import { McpError } from "../errors.ts";
import type { McpClient } from "../mcp-client.ts";

/**
 * The member `gateway` beside the servers of a configuration: who may come, where they come to, and what is kept. Names of
 * tools are the ones that clients see.
 */
export const gatewaySection = z.strictObject({
  /** `stdio`, for the client that starts us, or an address. */
  listen: z
    .union([
      z.literal("stdio"),
      z.strictObject({
        port: z.int().min(0).max(65_535).default(0),
        host: z.string().min(1).default("127.0.0.1"),
        path: z.string().startsWith("/").default("/mcp"),
        hosts: z.array(z.string().min(1)).default([]),
        origins: z.array(z.string().min(1)).default([]),
      }),
    ])
    .default("stdio"),
  /** The file of the journal; `memory` for none. */
  journal: z.string().min(1).default("mcp-gateway.db"),
  /** The file with one line for each call, also of those that were refused before they began. */
  audit: z.string().min(1).default("mcp-gateway.audit.jsonl"),
  /** By name. Over HTTP each needs a token, or the hash of one; on stdio there is one. */
  clients: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z][\w.@-]{0,63}$/, "a client's name has a letter first, then letters, digits, . _ @ or -"),
      z.strictObject({
        token: z.string().optional(),
        sha256: z.string().optional(),
        tenant: z.string().min(1).default("local"),
        tools: z.array(z.string().min(1)).optional(),
        resources: z.array(z.string().min(1)).optional(),
        prompts: z.array(z.string().min(1)).optional(),
        callsPerMinute: z.int().positive().optional(),
        concurrentCalls: z.int().positive().optional(),
        calls: z.int().positive().optional(),
        /** Decides on what waits, by tools of its own. Other tools it has only where `tools` names them. */
        operator: z.boolean().default(false),
      }),
    )
    .default({}),
  /** Who decides on writes that wait for a person. `client`: the person before the client, under the name that is given. */
  approvals: z
    .discriminatedUnion("by", [
      z.strictObject({ by: z.literal("operator") }),
      z.strictObject({ by: z.literal("client"), as: z.string().min(1) }),
    ])
    .default({ by: "operator" }),
  /** What servers may ask of the client in the course of its call. */
  allow: z.array(z.enum(["elicitation", "sampling", "roots", "logging"])).default(["elicitation"]),
  /** For the models of clients. */
  instructions: z.string().optional(),
});

export type GatewaySection = z.output<typeof gatewaySection>;

/** The same, with what is relative to the file made absolute, and the clients as the bridge knows them. */
export interface GatewaySettings extends Omit<GatewaySection, "clients" | "journal" | "audit"> {
  /** `undefined`: nothing is kept. */
  readonly journal: string | undefined;
  readonly audit: string;
  readonly clients: readonly GatewayClient[];
}

/** A client of the configuration, and by what it is known. */
export interface GatewayClient {
  readonly client: McpClient;
  readonly isOperator: boolean;
  readonly token: string | undefined;
  readonly sha256: string | undefined;
}

/** @throws McpError `mcp/serving-invalid` for clients that cannot be told apart */
export function settingsOf(file: string, { clients, journal, audit, ...rest }: GatewaySection): GatewaySettings {
  const known = Object.entries(clients).map(([name, { token, sha256, operator: isOperator, ...about }]) => {
    const { tenant, tools, resources, prompts, callsPerMinute, concurrentCalls, calls } = about;
    const client: McpClient = {
      principal: service(name),
      tenant,
      ...(tools === undefined ? {} : { tools }),
      ...(resources === undefined ? {} : { resources }),
      ...(prompts === undefined ? {} : { prompts }),
      budget: {
        ...(callsPerMinute === undefined ? {} : { callsPerMinute }),
        ...(concurrentCalls === undefined ? {} : { concurrentCalls }),
        ...(calls === undefined ? {} : { calls }),
      },
    };
    return { client, isOperator, token, sha256 };
  });
  const unknown = known.find(({ token, sha256 }) => token === undefined && sha256 === undefined);
  if (unknown && known.length > 1) {
    const reason = `the client ${unknown.client.principal.id} has neither \`token\` nor \`sha256\`, and there are others`;
    throw new McpError("mcp/serving-invalid", { reason });
  }
  return {
    ...rest,
    journal: journal === "memory" ? undefined : resolve(dirname(file), journal),
    audit: resolve(dirname(file), audit),
    clients: known,
  };
}
