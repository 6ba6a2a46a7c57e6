/** Entry `@remit/core/kpi`: what runs come to in numbers. The same functions score simulations, tests and production. */

export { erasedName, unknownTool } from "./calls.ts";
export { type Distribution, distributionOf } from "./distribution.ts";
export {
  type FactsOptions,
  factsOf,
  type KpiRun,
  lostModel,
  type Prices,
  type RunFacts,
  type Slo,
} from "./facts.ts";
export { checkGates, type Gate, type GateRead, type GateResult, readGate } from "./gate.ts";
export type { Incident } from "./incident.ts";
export { type KpiOptions, type Kpis, type KpiTally, kpisOf, kpiTally } from "./kpis.ts";
export {
  compareKpis,
  isKpiName,
  type KpiChange,
  type KpiName,
  type KpiReading,
  type KpiUnit,
  kpiNames,
  type NamedKpi,
  namedKpi,
} from "./named.ts";
export type { EscalationSaid, HumanStep, ReasonWords } from "./people.ts";
export { type HumanReason, humanReasons } from "./reason.ts";
export type {
  CallReport,
  KpiReport,
  ModelReport,
  Rate,
  RunCounts,
  Tally,
} from "./report.ts";
export { otherNames } from "./report-tally.ts";
export { type RunsFilter, runsOf } from "./runs.ts";
export {
  byAttribute,
  byDefinition,
  byModel,
  byOutput,
  byStatus,
  bySupervisor,
  byTag,
  byTenant,
  noSegment,
  type SegmentBy,
} from "./segment.ts";
