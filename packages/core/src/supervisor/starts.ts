import { OrchestrationError } from "../errors.ts";
import type { InputBodies, InputEvent } from "../event.ts";
import type { RestrictionBoard } from "../governance/restrictions.ts";
import type { IdSource } from "../ids.ts";
import { policyVersion } from "../policy-version.ts";
import type { Engine, RunKey } from "../port/engine.ts";
import type { Logger } from "../port/logger.ts";
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
   * @throws OrchestrationError `policy/revoked`; as `Engine.deliver`
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

  const begin = async <Out>({ tenant, runId: given }: BeginningRun, body: Beginning): Promise<Run<Out>> => {
    await note();
    const runId = given ?? ids.id("run");
    const key: RunKey = { tenant, runId };
    const isKnown = async () => given !== undefined && (await engine.journal.findRun(tenant, runId)) !== undefined;
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
