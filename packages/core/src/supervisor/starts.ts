import { OrchestrationError } from "../errors.ts";
import type { InputBodies, InputEvent } from "../event.ts";
import type { RestrictionBoard } from "../governance/restrictions.ts";
import type { IdSource } from "../ids.ts";
import { openBatch } from "../journal/chain.ts";
import { canonicalJson, type Json } from "../json.ts";
import { policyVersion } from "../policy-version.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { Logger } from "../port/logger.ts";
import type { Principal } from "../principal.ts";
import { noRestrictions } from "../run/empty.ts";
import type { Run } from "../run/run.ts";
import type { Sealing } from "../seal/sealing.ts";
import type { SupervisorDefinition } from "./definition.ts";
import { assertHomes } from "./homes.ts";
import type { RuntimeOptions } from "./options.ts";
import { noteDefinition } from "./versions.ts";

/** What a run's first entry says, without what is the same for all runs of a supervisor. */
export type Beginning = Omit<InputBodies["run.started"], "supervisor" | "definitionHash" | "policyVersion" | "format">;

/** Which run begins. Without an id it is a new one. */
export interface BeginningRun {
  readonly tenant: string;
  readonly runId: string | undefined;
}

/** How runs of one supervisor begin. */
export interface Starts {
  /** Once per process, before its first run or recovery. @throws OrchestrationError `definition/waiting-runs` */
  readonly note: () => Promise<readonly string[]>;
  /**
   * Journals a run's first entry: once for a run id, or as a new run.
   * @throws OrchestrationError `policy/revoked`; `run/key-of-another` where the run that is there began with something else;
   *   as `Engine.deliver`
   */
  readonly begin: <Out>(run: BeginningRun, body: Beginning) => Promise<Run<Out>>;
  /** Tokens of one run mean nothing in another: its values are handed over, and sealed there. */
  readonly handedOver: <Value>(tenant: string, runId: string, to: string, value: Value) => Promise<Value>;
}

export interface StartParts {
  readonly definition: SupervisorDefinition;
  readonly definitionId: string;
  readonly engine: Engine;
  readonly deliver: Engine["deliver"];
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly board: RestrictionBoard;
  readonly sealing: Sealing | undefined;
  readonly handle: <Out>(key: RunKey) => Run<Out>;
  readonly waitingRuns: RuntimeOptions<string>["waitingRuns"];
}

export function runStarts({
  definition,
  definitionId,
  engine,
  deliver,
  ids,
  logger,
  board,
  sealing,
  handle,
  waitingRuns,
}: StartParts): Starts {
  let noted: Promise<readonly string[]> | undefined;
  const note = () => {
    noted ??= (async () => {
      if (waitingRuns !== "leave") await assertHomes(engine, definition.name);
      return noteDefinition(engine.journal, definition, { logger, now: () => engine.clock.now(), salt: ids.salt });
    })().catch((thrown: unknown) => {
      noted = undefined; // A journal that was not there may be there the next time.
      throw thrown;
    });
    return noted;
  };

  /** Runs that begin here just now under a key, and what they begin with. */
  const beginning = new Map<string, Beginning>();

  const assertSame = (now: Beginning, before: Partial<Beginning> | undefined): void => {
    // Of an erased run, or one of before, nobody can tell.
    const who = (body: Partial<Beginning>) => body.principal && canonicalJson(namedBy(body.principal));
    const other =
      now.inputHash !== undefined && before?.inputHash !== undefined && now.inputHash !== before.inputHash
        ? "input"
        : before?.principal && who(now) !== who(before)
          ? "principal"
          : undefined;
    if (other) throw new OrchestrationError("run/key-of-another", { supervisor: definition.name, what: other });
  };
  /** What a run that is there already began with. */
  const begunWith = async ({ tenant, runId }: RunKey): Promise<Partial<Beginning> | undefined> => {
    const stream = { tenant, kind: "run", id: runId } as const;
    const [first] = await engine.journal.read(stream, 1, 1);
    const entry = first && openBatch(first, runId, onlyStarts)[0];
    return entry?.type === "run.started" ? entry.body : undefined;
  };

  const begin = async <Out>(run: BeginningRun, body: Beginning): Promise<Run<Out>> => {
    const { runId } = run;
    if (runId === undefined || body.inputHash === undefined) return beginOnce(run, body);
    const at = `${run.tenant}\n${runId}`;
    const other = beginning.get(at);
    if (other) assertSame(body, other);
    beginning.set(at, body);
    try {
      return await beginOnce(run, body);
    } finally {
      if (beginning.get(at) === body) beginning.delete(at);
    }
  };

  const beginOnce = async <Out>({ tenant, runId: given }: BeginningRun, body: Beginning): Promise<Run<Out>> => {
    await note();
    const runId = given ?? ids.id("run");
    const key: RunKey = { tenant, runId };
    const isKnown = async () => {
      if (given === undefined || (await engine.journal.findRun(tenant, runId)) === undefined) return false;
      if (body.inputHash !== undefined) assertSame(body, await begunWith(key));
      return true;
    };
    if (await isKnown()) return handle<Out>(key);
    const restrictions = await board.current(tenant);
    if (restrictions.stopped) throw new OrchestrationError("policy/revoked", { target: "everything", tenant });
    try {
      const event: InputEvent = {
        id: "start",
        type: "run.started",
        path: "",
        body: {
          supervisor: definition.name,
          definitionHash: definition.hash,
          ...body,
          policyVersion,
          ...(restrictions.version === noRestrictions.version ? {} : { restrictions }),
          format: 1,
        },
      };
      await deliver(key, definitionId, event, given === undefined);
    } catch (thrown) {
      // Another process started it under the same key at the same moment: that is the one run.
      if (!OrchestrationError.is(thrown, "journal/conflict") || !(await isKnown())) throw thrown;
    }
    return handle<Out>(key);
  };

  const handedOver = async <Value>(tenant: string, runId: string, to: string, value: Value): Promise<Value> =>
    sealing ? sealing.handOver({ tenant, runId }, value, to) : value;

  return { note, begin, handedOver };
}

const onlyStarts: ReadonlySet<string> = new Set(["run.started"]);

/** Who somebody is, whatever roles they have just now. */
function namedBy({ id, kind, onBehalfOf }: Principal): Json {
  return [kind, id, onBehalfOf ?? null];
}
