import { OrchestrationError } from "../errors.ts";
import type { Entry, EntryType } from "../event.ts";
import { linesOf, openBatch } from "../journal/chain.ts";
import type { RunKey } from "../port/engine.ts";
import type { Journal } from "../port/journal.ts";
import { attributeNames as names } from "../port/tracer.ts";
import { openBlobs } from "../run/blob.ts";

/**
 * The audit log as OpenTelemetry log records: one for each entry of a journal, with its place in the chain, so that a log
 * store can be searched and what is found there can be held against the evidence.
 *
 * L1 Without `captureContent` a record carries names, ids, hashes, counts and codes alone; no payload, no message.
 */

/** What of a logger of `@opentelemetry/api-logs` is used. */
export interface OtelLogger {
  readonly emit: (record: OtelLogRecord) => void;
}

export interface OtelLogRecord {
  readonly eventName: string;
  /** Epoch ms, when the entry was made. */
  readonly timestamp: number;
  readonly severityNumber: number;
  readonly severityText: "INFO" | "WARN" | "ERROR";
  /** The entry's body as JSON, with `captureContent` alone. */
  readonly body?: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface OtelLogOptions {
  readonly logger: OtelLogger;
  /** Whether bodies go along; `false` when absent. */
  readonly captureContent?: boolean;
}

/** Members of bodies that are names, ids, hashes and codes by their type. */
const told = [
  "agent",
  "alias",
  "approval",
  "attempt",
  "basis",
  "binding",
  "cause",
  "command",
  "definitionHash",
  "edge",
  "from",
  "inputHash",
  "key",
  "limit",
  "model",
  "outcome",
  "payloadHash",
  "planned",
  "policyVersion",
  "quorum",
  "risk",
  "scope",
  "supervisor",
  "tier",
  "to",
  "turn",
  "verdict",
] as const;

const warnings: ReadonlySet<EntryType> = new Set<EntryType>([
  "tool.denied",
  "tool.failed",
  "model.failed",
  "handoff.rejected",
  "approval.refused",
  "approval.expired",
  "effect.uncertain",
  "limit.exceeded",
  "budget.exceeded",
  "message.dead",
  "run.denied",
  "run.escalated",
]);

/** One entry as a record. @param hash the entry's hash in its chain */
export function otelLogRecord(
  entry: Entry,
  { tenant, runId }: RunKey,
  { hash, captureContent = false }: { readonly hash?: string; readonly captureContent?: boolean } = {},
): OtelLogRecord {
  const { type, at, seq, path, cause } = entry;
  const body = entry.body as Readonly<Record<string, unknown>>;
  const attributes: Record<string, string | number | boolean> = {
    [names.tenant]: tenant,
    [names.run]: runId,
    [names.path]: path,
    "remit.entry.seq": seq,
    "remit.entry.cause": cause,
    ...(hash === undefined ? {} : { "remit.entry.hash": hash }),
  };
  for (const name of told) put(attributes, `remit.${name}`, body[name]);
  const tool = body.tool;
  if (typeof tool === "string") attributes[names.tool] = tool;
  put(attributes, "remit.principal", idOf(body.principal) ?? body.by);
  const decision = body.decision as
    | { readonly ruleId?: unknown; readonly policyVersion?: unknown }
    | string
    | undefined;
  if (typeof decision === "object") {
    put(attributes, "remit.rule", decision.ruleId);
    put(attributes, "remit.policyVersion", decision.policyVersion);
  } else put(attributes, "remit.decision", decision);
  put(attributes, names.error, (body.error as { readonly code?: unknown } | undefined)?.code);
  const severity = type === "run.failed" ? "ERROR" : warnings.has(type) ? "WARN" : "INFO";
  return {
    eventName: `remit.${type}`,
    timestamp: at,
    severityNumber: { INFO: 9, WARN: 13, ERROR: 17 }[severity],
    severityText: severity,
    ...(captureContent ? { body: JSON.stringify(body) } : {}),
    attributes,
  };
}

/**
 * Sends all entries of a run to a logger, in order; the number of records.
 * @throws OrchestrationError `run/unknown`; as `openBlobs` and the journal throw
 */
export async function exportOtelLogs(
  journal: Journal,
  key: RunKey,
  { logger, captureContent = false }: OtelLogOptions,
): Promise<number> {
  const { tenant, runId } = key;
  if (!(await journal.findRun(tenant, runId))) throw new OrchestrationError("run/unknown", { run: runId, tenant });
  let sent = 0;
  const stream = { tenant, kind: "run", id: runId } as const;
  for (const batch of await journal.read(stream)) {
    const lines = linesOf(batch);
    const entries = await openBlobs(openBatch(batch, runId), journal, stream);
    for (const [index, entry] of entries.entries()) {
      const hash = lines[index]?.hash;
      logger.emit(otelLogRecord(entry, key, { captureContent, ...(hash === undefined ? {} : { hash }) }));
      sent++;
    }
  }
  return sent;
}

function idOf(principal: unknown): unknown {
  return typeof principal === "object" && principal !== null ? (principal as { readonly id?: unknown }).id : undefined;
}

function put(attributes: Record<string, string | number | boolean>, name: string, value: unknown): void {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") attributes[name] = value;
}
