import { endStatusOf } from "../event.ts";
import { openBatch } from "../journal/chain.ts";
import { searchable } from "../journal/unsealed.ts";
import { listening } from "../observer.ts";
import type { OnConversation, RunSession } from "../port/engine.ts";
import type { Batch } from "../port/journal.ts";
import {
  attributeNames as names,
  operations,
  type Span,
  silentTracer,
  spanNames,
  type Tracer,
} from "../port/tracer.ts";

/**
 * The spans that calls at the gates belong to: one for the run, and one for each of its agents.
 *
 * T1 They last as long as this process works on the run. A run that parks ends them, and what it does afterwards comes
 *    under new ones with the same run id: a span that waits for weeks would never be told.
 * T2 An agent's span opens with its first call at a gate, and ends with its entry or with the run's span. A judge stands
 *    under the agent whose write it judges, an agent of a team under its team.
 * T3 They look on: nothing of a run depends on them, and where nobody measures nothing is kept.
 */
export interface RunSpans {
  /** What the gates open their spans at. It finds a span's parent by the run and the path in its attributes. */
  readonly tracer: Tracer;
  /** Drives a session under a span of its run. */
  readonly around: (
    session: RunSession,
    drive: (session: RunSession, onConversation?: OnConversation) => Promise<void>,
  ) => Promise<void>;
}

interface RunAtWork {
  readonly span: Span;
  /** Spans of agents by path; nothing left of those that have ended. */
  readonly agents: Map<string, Span | undefined>;
  /** What every span of the run says. */
  common: Readonly<Record<string, string>>;
  failure: { readonly code: string } | undefined;
}

const telling = /"type":"(?:handoff\.returned|agent\.failed|run\.(?:completed|denied|escalated|failed|cancelled))"/;

export function runSpans(tracer: Tracer, supervisor: string): RunSpans {
  if (tracer === silentTracer) return { tracer, around: (session, drive) => drive(session) };
  const atWork = new Map<string, RunAtWork>();
  const keyOf = (tenant: unknown, run: unknown) => `${tenant}\n${run}`;

  /** The innermost agent of a path that still works; the run where there is none. */
  const parentOf = (run: RunAtWork, path: string, agent: string): Span => {
    const segments = path.split("/");
    const last = segments.findLastIndex((segment) => !isCall(segment));
    let parent = run.span;
    for (const [index, segment] of segments.entries()) {
      if (isCall(segment)) continue;
      const at = segments.slice(0, index + 1).join("/");
      if (!run.agents.has(at)) {
        const name = index === last ? agent : segment.slice(0, segment.lastIndexOf("#"));
        const attributes = { [names.operation]: operations.agent, [names.agent]: name, [names.path]: at };
        run.agents.set(at, tracer.span(spanNames.agent(name), { ...attributes, ...run.common }, parent));
      }
      parent = run.agents.get(at) ?? parent;
    }
    return parent;
  };

  const hear = (run: RunAtWork, batch: Batch, runId: string) => {
    if (!telling.test(searchable(batch))) return;
    for (const entry of openBatch(batch, runId)) {
      if (entry.type === "handoff.returned" || entry.type === "agent.failed") {
        run.agents.get(entry.path)?.end(entry.type === "agent.failed" ? codeOf(entry.body) : undefined);
        if (run.agents.has(entry.path)) run.agents.set(entry.path, undefined);
      }
      const status = endStatusOf(entry.type);
      if (status === undefined) continue;
      run.span.set({ [names.status]: status });
      if (status === "failed") run.failure = codeOf(entry.body);
    }
  };

  return {
    tracer: {
      ...(tracer.content === undefined ? {} : { content: tracer.content }),
      span: (name, attributes) => {
        const run = atWork.get(keyOf(attributes[names.tenant], attributes[names.run]));
        if (!run) return tracer.span(name, attributes);
        const parent = parentOf(run, String(attributes[names.path]), String(attributes[names.agent]));
        return tracer.span(name, { ...attributes, ...run.common }, parent);
      },
    },
    around: async (session, drive) => {
      const { tenant, id: runId } = session.key;
      const key = keyOf(tenant, runId);
      const common = { [names.tenant]: tenant, [names.run]: runId };
      const attributes = { [names.operation]: operations.run, [names.workflow]: supervisor, ...common };
      const run: RunAtWork = {
        span: tracer.span(spanNames.run(supervisor), attributes),
        agents: new Map(),
        common,
        failure: undefined,
      };
      atWork.set(key, run);
      try {
        await drive(
          listening(session, (batch) => hear(run, batch, runId)),
          (conversationId) => {
            run.common = { ...common, [names.conversation]: conversationId };
            run.span.set({ [names.conversation]: conversationId });
          },
        );
      } catch (thrown) {
        run.failure = codeOf({ error: thrown });
        throw thrown;
      } finally {
        if (atWork.get(key) === run) atWork.delete(key);
        for (const span of [...run.agents.values()].reverse()) span?.end();
        run.span.end(run.failure);
      }
    },
  };
}

/** A segment of a path that is no agent. */
function isCall(segment: string): boolean {
  return /^(?:tool|undo)#\d+$/.test(segment);
}

/** The code in a body; one that is stored by reference has it there. */
function codeOf(body: unknown): { readonly code: string } {
  const { error } = (body ?? {}) as { readonly error?: { readonly code?: unknown } };
  return { code: typeof error?.code === "string" ? error.code : "run/internal" };
}
