import { createHash } from "node:crypto";
import {
  type CheckpointOptions,
  type Logger,
  OrchestrationError,
  preload,
  type SupervisorDefinition,
  sha256,
} from "@remit/core";
import { Coverage } from "./coverage.ts";
import { type FaultKind, Faults, faultKinds } from "./fault.ts";
import { History } from "./history.ts";
import { assertPromises } from "./invariants.ts";
import { type DiskState, faultyJournal } from "./journal.ts";
import { judge, judgeCode } from "./judging.ts";
import { randomModel } from "./models.ts";
import { People } from "./people.ts";
import type { Plant } from "./plant.ts";
import { type Process, startProcess } from "./process.ts";
import { checkpointsOf } from "./proof.ts";
import { draw, randomStream } from "./random.ts";
import { Restraint } from "./restraint.ts";
import { type Owner, Scheduler } from "./scheduler.ts";
import { specialistDefinition } from "./specialist.ts";
import { isSteady, ruleSpecs, toolNames, toolSpecs } from "./specs.ts";
import { Store } from "./store.ts";
import { agentNamesOf, randomSpecialist, randomTeam } from "./team.ts";
import { type Violation, Violations } from "./violation.ts";
import { callerKey, World } from "./world.ts";

export interface SimulationOptions {
  /** Faults that may strike; those of `stormOf(seed)` when absent. */
  readonly faults?: readonly FaultKind[];
  /** Runs side by side; 1 to 3 by seed when absent. */
  readonly runs?: number;
  /** Agents of one team at most (2 to 4); 4 when absent. */
  readonly agents?: number;
  /** Teams inside teams, 0 to 2; by seed when absent. */
  readonly depth?: number;
  /** A bug to plant; for tests of the simulator. */
  readonly plant?: Plant;
}

export interface SimulationReport {
  readonly seed: number;
  readonly options: SimulationOptions;
  /** Promises that did not hold; the first one found comes first. */
  readonly violations: readonly Violation[];
  readonly runs: number;
  readonly crashes: number;
  /** Tasks that the scheduler ran. */
  readonly steps: number;
  /** Milliseconds that passed in the simulated world. */
  readonly virtualMs: number;
  /** SHA-256 over every run's journal: the same seed gives the same one. */
  readonly hash: string;
  readonly coverage: Coverage;
}

/** Bounds: when faults stop, and when a run that has not ended never will. */
const stormSteps = 3_000;
const stormMs = 45 * 60_000;
const virtualMsMax = 16 * 3_600_000;
const stepsMax = 80_000;
const supervisionMs = 30_000;
/** Within so long after a deploy the processes of before are gone. */
const rolloutMs = 60_000;

/** About two thirds of the faults, by seed: what drowns among all the others has seeds in which it stands out. */
export function stormOf(seed: number): readonly FaultKind[] {
  return faultKinds.filter((kind) => draw(seed, "storm", kind) < 0.65 && !(kind === "clock-jump" && isSteady(seed)));
}

/**
 * Plays a whole system in one thread under a virtual clock: a random team, its runs, their models, tools and people, on
 * processes that crash, stand still and overtake each other. Every choice comes from the seed. Never rejects for what it
 * finds.
 */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  await preload(); // A load in the middle would take turns that no seed decides.
  return new Simulation(seed, options).play();
}

class Simulation {
  readonly #seed: number;
  readonly #options: SimulationOptions;
  readonly #violations = new Violations();
  readonly #coverage = new Coverage();
  readonly #history = new History();
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #random;
  readonly #store: Store;
  readonly #world: World;
  /** By version, the oldest first; a second one is there where it is deployed. */
  readonly #definitions: readonly SupervisorDefinition[];
  readonly #specialist: ReturnType<typeof randomSpecialist>;
  readonly #specialistDefinition: SupervisorDefinition | undefined;
  readonly #people: People;
  readonly #restraint: Restraint;
  readonly #disk: DiskState = { fullUntil: 0 };
  readonly #breakerOf: ReadonlyMap<string, string>;
  readonly #checked = new Set<SupervisorDefinition>();
  readonly #callers = new Map<string, { readonly owner: Owner; readonly seen: () => void }>();
  readonly #enabled: Set<FaultKind>;
  readonly #snapshotEvery: number;
  readonly #blobChars: number;
  readonly #checkpoints: CheckpointOptions | undefined;
  readonly #runs: number;
  readonly #startedAt: number;
  readonly #logger: Logger;
  #processes: Process[] = [];
  #incarnations = 0;
  #crashes = 0;
  #seen = "";
  #calm = false;
  #deployed = false;
  #checkpointsFailed = false;

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed;
    this.#options = options;
    const { plant } = options;
    this.#scheduler = new Scheduler(randomStream(seed, "scheduler"));
    this.#startedAt = this.#scheduler.now;
    this.#random = randomStream(seed, "world");
    this.#enabled = new Set(
      (options.faults ?? stormOf(seed)).filter((kind) => kind !== "clock-jump" || !isSteady(seed)),
    );
    this.#faults = new Faults(randomStream(seed, "faults"), this.#enabled, (kind) =>
      this.#coverage.meet(kind, this.#history.states()),
    );
    this.#store = new Store(this.#history, (tenant) => sha256(`key of ${tenant} ${seed}`));
    const common = {
      seed,
      scheduler: this.#scheduler,
      faults: this.#faults,
      random: this.#random,
      plant,
      history: this.#history,
      violations: this.#violations,
    };
    this.#restraint = new Restraint(this.#scheduler, this.#violations);
    this.#world = new World({
      ...common,
      ownerOf: (context) => this.#callers.get(callerKey(context))?.owner,
      onCall: (context, tool) => {
        const { tenant, agent } = context;
        const caller = this.#callers.get(callerKey(context));
        caller?.seen();
        this.#restraint.assertAllowed({ tenant, agent, tool, owner: caller?.owner });
      },
    });
    const versions = draw(seed, "deploy") < 0.35 ? [0, 1] : [0];
    this.#definitions = versions.map((version) =>
      randomTeam({
        seed,
        agents: Math.max(2, options.agents ?? 4),
        depth: options.depth ?? Math.floor(draw(seed, "depth") * 3),
        version,
        world: this.#world,
        plant,
        now: () => this.#scheduler.now,
      }),
    );
    this.#specialist = randomSpecialist({ seed, world: this.#world, plant });
    this.#specialistDefinition = this.#specialist && specialistDefinition(this.#specialist);
    this.#breakerOf = new Map(toolSpecs(seed).map(({ name, breaker }) => [name, breaker]));
    this.#checkpoints = checkpointsOf(seed);
    this.#runs = options.runs ?? 1 + Math.floor(draw(seed, "runs") * 3);
    this.#snapshotEvery = 1 + Math.floor(draw(seed, "snapshots") ** 2 * 80);
    this.#blobChars = draw(seed, "blobs") < 0.3 ? 900 : 16_384;
    this.#people = new People({
      ...common,
      world: this.#world,
      restraint: this.#restraint,
      runs: this.#runs,
      agents: agentNamesOf(this.#definitions[0] as SupervisorDefinition),
      tools: [...(this.#definitions[0] as SupervisorDefinition).tools.keys()],
      specialist: this.#specialistDefinition?.hash,
      reach: () => this.#reach(),
      isCalm: () => this.#calm,
      isDeploying: () => this.#deployed,
    });
    const unexpected: Logger["error"] = ({ code, reason }, sentence) => {
      if (sentence === "checkpoints could not be written") this.#checkpointsFailed = true;
      if (typeof code === "string") judgeCode(this.#violations, code, String(reason));
    };
    this.#logger = { debug: () => {}, info: () => {}, warn: () => {}, error: unexpected };
  }

  async play(): Promise<SimulationReport> {
    const scheduler = this.#scheduler;
    this.#enter();
    this.#people.begin();
    this.#supervise();
    if (this.#definitions.length > 1) {
      scheduler.add({ kind: "deploy", delayMs: 3_000 + this.#random.below(150_000), act: () => this.#deploy() });
    }
    while (!this.#ended()) {
      if (this.#violations.list.length > 0) break;
      const over = scheduler.now - this.#startedAt > virtualMsMax || scheduler.steps > stepsMax;
      if (over || !(await scheduler.step())) {
        this.#violations.add("R11", this.#unfinished());
        break;
      }
      await this.#disturb();
    }
    if (this.#violations.list.length === 0) {
      // Requests that are still on their way arrive, long after everybody has gone.
      while (this.#isRestless() && scheduler.steps < stepsMax * 2) await scheduler.step();
    }
    const ended = this.#violations.list.length === 0;
    const evidence = {
      seed: this.#seed,
      rules: ruleSpecs(this.#seed),
      store: this.#store,
      world: this.#world,
      definitions: this.#definitions,
      specialist: this.#specialistDefinition,
      history: this.#history,
      violations: this.#violations,
      people: this.#people,
      steady: !this.#faults.counts.has("clock-jump"),
      checkpointed:
        this.#crashes === 0 &&
        !this.#faults.counts.has("shutdown") &&
        !this.#faults.counts.has("lost-acknowledgement") &&
        !this.#checkpointsFailed,
    };
    return this.#report(ended ? await assertPromises(evidence) : []);
  }

  #report(hashes: readonly string[]): SimulationReport {
    const coverage = this.#coverage;
    for (const [type, times] of this.#history.entryTypes) coverage.entryTypes.set(type, times);
    for (const [step, times] of this.#history.transitions) coverage.transitions.set(step, times);
    for (const [kind, times] of this.#faults.counts) coverage.faults.set(kind, times);
    for (const { end } of this.#history.runs.values()) {
      if (end) coverage.ends.set(end, (coverage.ends.get(end) ?? 0) + 1);
    }
    return {
      seed: this.#seed,
      options: this.#options,
      violations: this.#violations.list,
      runs: this.#history.runs.size,
      crashes: this.#crashes,
      steps: this.#scheduler.steps,
      virtualMs: this.#scheduler.now - this.#startedAt,
      hash: createHash("sha256")
        .update([...hashes].sort().join("\n"))
        .digest("hex"),
      coverage,
    };
  }

  #ended(): boolean {
    if (!this.#people.done || this.#people.runs.size < this.#runs) return false;
    for (const { end } of this.#history.runs.values()) if (!end) return false;
    // What ended before anybody looked is looked at too.
    this.#people.adopt();
    return this.#people.done;
  }

  /** Something is on its way to the world, or a last checkpoint to the disk, which no run waits for. */
  #isRestless(): boolean {
    const scheduler = this.#scheduler;
    return (
      scheduler.has("request") ||
      (this.#checkpoints !== undefined && (scheduler.has("commit") || scheduler.has("read")))
    );
  }

  #unfinished(): string {
    const open = [...this.#history.runs.values()].filter(({ end }) => !end);
    const states = [...this.#history.states()].join(", ");
    if (open.length === 0) return `all ${this.#history.runs.size} runs have ended, and somebody still asks in vain`;
    return `${open.length} of ${this.#history.runs.size} runs have not ended and never will (${states})`;
  }

  #start(definitions: readonly SupervisorDefinition[] = this.#loaded(), serves = false): Process {
    this.#incarnations++;
    const incarnation = this.#incarnations;
    const owner: Owner = { name: `process-${incarnation}`, alive: true, paused: false, offsetMs: 0 };
    const seed = this.#seed;
    const common = {
      seed,
      scheduler: this.#scheduler,
      faults: this.#faults,
      random: this.#random,
      plant: this.#options.plant,
      history: this.#history,
      violations: this.#violations,
      owner,
      breakerOf: this.#breakerOf,
    };
    const journal = faultyJournal({ ...common, store: this.#store, disk: this.#disk });
    return startProcess({
      ...common,
      incarnation,
      journal,
      definitions,
      isChecked: (definition) => this.#checked.has(definition) || !this.#checked.add(definition),
      modelOf: (watch, onCall) =>
        randomModel({ ...common, world: this.#world, restraint: this.#restraint, watch, onCall, tools: toolNames }),
      snapshotEvery: this.#snapshotEvery,
      checkpoints: this.#checkpoints,
      specialist: serves ? this.#specialist : undefined,
      blobChars: this.#blobChars,
      logger: this.#logger,
      onCall: (call, seen) => this.#callers.set(callerKey(call), { owner, seen }),
    });
  }

  /** What a process that starts now loads: from the deploy on both versions, side by side. */
  #loaded(): readonly SupervisorDefinition[] {
    return this.#deployed ? this.#definitions : this.#definitions.slice(0, 1);
  }

  #enter(): void {
    // Somebody always serves the specialist, and some processes only ask for it.
    const serves =
      this.#specialist !== undefined && (this.#random.chance(0.5) || !this.#processes.some(({ served }) => served));
    const process = this.#start(this.#loaded(), serves);
    this.#processes.push(process);
    this.#resume(process);
  }

  /** A second version comes: new processes load both, those of before go, and some runs are moved. */
  #deploy(): void {
    this.#deployed = true;
    const random = this.#random;
    for (const process of this.#processes) {
      this.#scheduler.add({ kind: "rollout", delayMs: random.below(rolloutMs), act: () => this.#retire(process) });
    }
    this.#enter();
    if (this.#faults.strikes("only-new")) {
      this.#scheduler.add({ kind: "deploy", delayMs: random.below(rolloutMs), act: () => this.#probe() });
    }
    if (!this.#faults.strikes("migrate")) return;
    for (let times = 1 + random.below(3); times > 0; times--) {
      this.#scheduler.add({ kind: "person", delayMs: random.below(600_000), act: () => this.#migrate() });
    }
  }

  /** A process of before goes when it has come to itself. */
  #retire(process: Process): void {
    const { owner, engine } = process;
    if (!owner.alive) return;
    if (owner.paused) {
      this.#scheduler.add({ kind: "rollout", delayMs: rolloutMs, act: () => this.#retire(process) });
      return;
    }
    this.#processes = this.#processes.filter((one) => one !== process);
    const gone = () => {
      owner.alive = false;
    };
    engine.close().then(gone, (thrown: unknown) => judge(this.#violations, thrown));
    this.#scheduler.add({ kind: "restart", delayMs: this.#random.below(20_000), act: () => this.#enter() });
  }

  /** A process that has loaded only the new version must not start while runs of the old one wait (D4). */
  #probe(): void {
    const [old, latest] = this.#definitions as readonly [SupervisorDefinition, SupervisorDefinition];
    const waiting = () =>
      [...this.#history.runs.values()].filter(({ end, definition }) => !end && definition === old.hash);
    const before = waiting();
    const { owner, supervisors, journal } = this.#start([latest]);
    const leave = () => {
      owner.alive = false;
      journal.crash();
    };
    supervisors[0]?.resume().then(
      () => {
        leave();
        const through = waiting().filter((run) => before.includes(run));
        if (through.length > 0) this.#violations.add("D4", "a process started though runs had no home in it");
      },
      (thrown: unknown) => {
        leave();
        judge(this.#violations, thrown, ["definition/waiting-runs"]);
        const refused = OrchestrationError.is(thrown, "definition/waiting-runs");
        this.#history.count(`start of the new version alone → ${refused ? "refused" : "failed"}`);
      },
    );
  }

  #migrate(): void {
    const process = this.#reach();
    const latest = process?.supervisors[1];
    const [from] = this.#definitions;
    if (!latest || !from) return;
    latest.migrate({ from, principal: { id: "ops", kind: "operator", roles: [], authenticated: true } }).then(
      ({ refused }) => {
        for (const { error } of refused) {
          this.#history.count(`run.parked → not migrated: ${error.code}`);
          judgeCode(
            this.#violations,
            error.code === "definition/migration-invalid" ? "journal/conflict" : error.code,
            error.message,
          );
        }
      },
      (thrown: unknown) => judge(this.#violations, thrown),
    );
  }

  #resume({ supervisors, served }: Process): void {
    served?.ready().catch((thrown: unknown) => judge(this.#violations, thrown));
    // The deploy may come while it reads.
    const also = () => (this.#deployed ? ["definition/waiting-runs"] : []);
    for (const supervisor of supervisors) {
      supervisor.resume().catch((thrown: unknown) => judge(this.#violations, thrown, also()));
    }
  }

  #reach(): Process | undefined {
    const awake = this.#processes.filter(({ owner }) => !owner.paused);
    return awake.length > 0 ? this.#random.pick(awake) : undefined;
  }

  /** Somebody looks from time to time whether anything moves, and has it taken up where nothing does. */
  #supervise(): void {
    this.#scheduler.add({
      kind: "supervision",
      delayMs: this.#calm ? supervisionMs * 4 : supervisionMs,
      act: () => this.#supervise(),
    });
    const { now } = this.#scheduler;
    if (now - this.#startedAt > stormMs || this.#scheduler.steps > stormSteps) this.#becomeCalm();
    if (this.#processes.length === 0 || (this.#specialist && !this.#processes.some(({ served }) => served)))
      this.#enter();
    this.#people.adopt();
    const seen = [...this.#history.runs.values()].map(({ runId, lastSeq }) => `${runId} ${lastSeq}`).join();
    const still = seen === this.#seen;
    this.#seen = seen;
    const process = this.#reach();
    if (still && process) this.#resume(process);
  }

  /** The storm is over: what is open must come to its end by itself now. */
  #becomeCalm(): void {
    if (this.#calm) return;
    this.#calm = true;
    this.#enabled.clear();
    this.#disk.fullUntil = 0;
  }

  /** What may befall processes between two tasks. */
  async #disturb(): Promise<void> {
    const random = this.#random;
    const faults = this.#faults;
    const process = this.#processes.length > 0 ? random.pick(this.#processes) : undefined;
    if (faults.strikes("crash") && process) {
      this.#crashes++;
      process.owner.alive = false;
      process.journal.crash();
      this.#processes = this.#processes.filter((one) => one !== process);
      if (this.#options.plant === "entry-lost") await this.#store.forgetLast();
      const restart = () => {
        if (this.#processes.length === 0) this.#enter();
      };
      this.#scheduler.add({ kind: "restart", delayMs: random.below(20_000), act: restart });
    }
    if (faults.strikes("shutdown") && process?.owner.alive) {
      const { owner, engine } = process;
      this.#processes = this.#processes.filter((one) => one !== process);
      const gone = () => {
        owner.alive = false;
      };
      engine.close().then(gone, (thrown: unknown) => judge(this.#violations, thrown));
      this.#scheduler.add({ kind: "restart", delayMs: random.below(20_000), act: () => this.#enter() });
    }
    if (faults.strikes("pause") && process?.owner.alive && !process.owner.paused) {
      const { owner } = process;
      owner.paused = true;
      const act = () => {
        owner.paused = false;
      };
      this.#scheduler.add({ kind: "unpause", delayMs: random.below(120_000), act });
      if (random.chance(0.7)) this.#enter();
    }
    if (faults.strikes("second-worker") && this.#processes.length < 3) this.#enter();
    if (faults.strikes("clock-jump") && process?.owner.alive) {
      const jumpMs = random.between(-3_600_000, 3_600_000);
      process.owner.offsetMs += jumpMs;
      if (jumpMs < 0) process.owner.setBackAt = this.#scheduler.now;
    }
  }
}
