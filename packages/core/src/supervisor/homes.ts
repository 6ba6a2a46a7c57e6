import { OrchestrationError } from "../errors.ts";
import type { Engine } from "../port/engine.ts";

/**
 * Refuses to go on while unfinished runs of a supervisor have no home: the definition that they began with is not
 * loaded at this engine (D4). They would wait for ever, and nobody would hear of it.
 * @throws OrchestrationError `definition/waiting-runs`, naming up to 20 of them
 */
export async function assertHomes(engine: Engine, supervisor: string): Promise<void> {
  const waiting = await engine.journal.waitingDefinitions();
  const homeless = waiting.filter(
    (one) => one.supervisor === supervisor && !engine.isRegistered(`${one.supervisor}@${one.definitionHash}`),
  );
  if (homeless.length === 0) return;
  throw new OrchestrationError("definition/waiting-runs", {
    supervisor,
    count: homeless.reduce((sum, { runs }) => sum + runs, 0),
    definitions: homeless.map(({ definitionHash }) => definitionHash),
    runs: homeless.flatMap(({ some }) => some.map(({ tenant, runId }) => `${tenant}/${runId}`)).slice(0, 20),
  });
}
