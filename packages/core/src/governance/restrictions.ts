import { OrchestrationError } from "../errors.ts";
import type { Restrictions, RestrictionTarget } from "../event.ts";
import { isIdText } from "../ids.ts";
import { assertBound } from "../limits.ts";
import type { Clock } from "../port/clock.ts";
import type { Journal } from "../port/journal.ts";
import { type Principal, plainPrincipal } from "../principal.ts";
import { noRestrictions } from "../run/empty.ts";
import { type Fold, openStream, type Stream } from "../stream/stream.ts";

/**
 * The kill switch and the revocations (D4): what is taken away at once, from running runs too. Each tenant has a
 * stream of its own, and there is one for all tenants together; what holds is the union of the two.
 */

/** Where a restriction of every tenant stands. No tenant can be named so: ids begin with a letter or a digit. */
export const allTenants = "~all";

/** A restriction that is in force: what, where, who, when and why. */
export interface RestrictionInForce {
  readonly target: RestrictionTarget;
  /** The tenant in whose stream it stands, or `allTenants`. */
  readonly tenant: string;
  readonly reason: string;
  readonly principal: Principal;
  /** Epoch ms. */
  readonly at: number;
}

export interface RestrictionWord {
  readonly reason: string;
  readonly principal: Principal;
}

export interface RestrictionBoardOptions {
  readonly journal: Journal;
  readonly clock: Pick<Clock, "now">;
  readonly salt: () => string;
  /** Milliseconds after which what another process changed is seen here at the latest; 250 when absent, 0: at once. */
  readonly maxAgeMs?: number;
}

/** Every member throws OrchestrationError `run/id-invalid` for what is neither a tenant nor `allTenants`, and `journal/unavailable`. */
export interface RestrictionBoard {
  /**
   * Takes something away; durable when resolved, and in force here from then on.
   * @returns whether anything changed: of what is restricted already nothing is written, and the first reason stands
   */
  readonly set: (tenant: string, target: RestrictionTarget, word: RestrictionWord) => Promise<boolean>;
  /** Gives it back, where it was taken away: what is restricted for all tenants is lifted for all tenants. */
  readonly lift: (tenant: string, target: RestrictionTarget, word: RestrictionWord) => Promise<boolean>;
  /**
   * What is taken away from a tenant's runs, its own and everybody's. Not a promise while what is known is
   * younger than `maxAgeMs`. The same object until something changes. Names are in alphabetical order.
   */
  readonly current: (tenant: string) => Restrictions | Promise<Restrictions>;
  /** What is in force for a tenant, read afresh; first what holds for all tenants, each in the order it was set. */
  readonly list: (tenant: string) => Promise<readonly RestrictionInForce[]>;
}

/** How often somebody looks again when the look itself took longer than what it tells may be old. */
const looksMore = 10;

type InForce = ReadonlyMap<string, RestrictionInForce>;

/** One stream as it was last looked at. */
interface Source {
  readonly stream: Stream<InForce>;
  /** Clock when the last look began. */
  lookedAt: number | undefined;
  /** The look that is on its way: whoever comes meanwhile waits for it. */
  looking: Promise<void> | undefined;
}

/** One tenant's two sources and their union as it was last made. */
interface Place {
  readonly own: Source;
  union: Restrictions;
}

/** Keeps the restrictions of all tenants over a journal that any number of processes share. */
export function restrictionBoard({ journal, clock, salt, maxAgeMs = 250 }: RestrictionBoardOptions): RestrictionBoard {
  assertBound("maxAgeMs", maxAgeMs, 0);
  const { now } = clock;
  const sourceOf = (tenant: string): Source => {
    const key = { tenant, kind: "restrictions", id: "live" } as const;
    const stream = openStream({ journal, key, now, salt, fold: foldOf(tenant) });
    return { stream, lookedAt: undefined, looking: undefined };
  };
  const everybody = sourceOf(allTenants);
  const places = new Map<string, Place>();

  const placeOf = (tenant: string): Place => {
    let place = places.get(tenant);
    if (!place) {
      assertTenant(tenant);
      place = { own: tenant === allTenants ? everybody : sourceOf(tenant), union: noRestrictions };
      places.set(tenant, place);
    }
    return place;
  };
  const isFresh = ({ lookedAt }: Source, at: number): boolean => {
    const age = at - (lookedAt ?? Number.NEGATIVE_INFINITY);
    return age >= 0 && age < maxAgeMs; // A clock that was put back says nothing about age.
  };
  const look = (source: Source): Promise<void> => {
    source.looking ??= (async () => {
      const at = now();
      try {
        await source.stream.state();
        source.lookedAt = at;
      } finally {
        source.looking = undefined;
      }
    })();
    return source.looking;
  };
  /** Looks, or waits for a look that is on its way, unless that began too long ago. */
  const refresh = async (source: Source, at: number): Promise<void> => {
    if (source.looking) await source.looking;
    if (!isFresh(source, at)) await look(source);
  };
  const staleOf = ({ own }: Place, at: number): readonly Source[] =>
    [own, everybody].filter((source) => !isFresh(source, at));
  /** A look that took long tells of then, so both are looked at again. A journal that is always slower is believed in the end. */
  const refreshed = async (place: Place): Promise<Restrictions> => {
    for (let looks = 0; looks <= looksMore; looks++) {
      const at = now();
      const stale = staleOf(place, at);
      if (stale.length === 0 || (looks > 0 && maxAgeMs === 0)) break;
      await Promise.all(stale.map((source) => refresh(source, at)));
    }
    return unionOf(place);
  };
  const unionOf = (place: Place): Restrictions => {
    const own = place.own.stream.known();
    const all = everybody.stream.known();
    const version = `${own.seq}.${all.seq}`;
    if (place.union.version !== version) place.union = union(version, [own.state, all.state]);
    return place.union;
  };
  const change = async (
    type: "restriction.set" | "restriction.lifted",
    tenant: string,
    target: RestrictionTarget,
    { reason, principal }: RestrictionWord,
  ): Promise<boolean> => {
    const { own } = placeOf(tenant);
    const at = now();
    const body = { target: plainTarget(target), reason, principal: plainPrincipal(principal) };
    const changed = await own.stream.append((inForce) => {
      const answer = inForce.has(nameOf(target)) === (type === "restriction.lifted");
      return answer ? { drafts: [{ type, body }], answer } : { answer };
    });
    own.lookedAt = at;
    return changed;
  };

  return {
    set: (tenant, target, word) => change("restriction.set", tenant, target, word),
    lift: (tenant, target, word) => change("restriction.lifted", tenant, target, word),
    current: (tenant) => {
      const place = placeOf(tenant);
      return staleOf(place, now()).length === 0 ? unionOf(place) : refreshed(place);
    },
    list: async (tenant) => {
      const { own } = placeOf(tenant);
      const sources = own === everybody ? [everybody] : [everybody, own];
      const states = await Promise.all(sources.map(({ stream }) => stream.state()));
      return states.flatMap((inForce) => [...inForce.values()]);
    },
  };
}

function foldOf(tenant: string): Fold<InForce> {
  return {
    initial: () => new Map(),
    apply: (inForce, entry) => {
      if (entry.type !== "restriction.set" && entry.type !== "restriction.lifted") return inForce;
      const { target, reason, principal } = entry.body;
      const next = new Map(inForce);
      if (entry.type === "restriction.lifted") next.delete(nameOf(target));
      else if (!next.has(nameOf(target))) next.set(nameOf(target), { target, tenant, reason, principal, at: entry.at });
      return next;
    },
  };
}

function union(version: string, states: readonly InForce[]): Restrictions {
  const targets = states.flatMap((inForce) => [...inForce.values()].map(({ target }) => target));
  const named = (kind: "tool" | "agent") => {
    const names = targets.flatMap((target) => (target.kind === kind ? [target.name] : []));
    return [...new Set(names)].sort();
  };
  return {
    version,
    tools: named("tool"),
    agents: named("agent"),
    stopped: targets.some(({ kind }) => kind === "tenant"),
  };
}

function nameOf(target: RestrictionTarget): string {
  return target.kind === "tenant" ? "tenant" : `${target.kind} ${target.name}`;
}

function plainTarget(target: RestrictionTarget): RestrictionTarget {
  return target.kind === "tenant" ? { kind: "tenant" } : { kind: target.kind, name: target.name };
}

function assertTenant(tenant: string): void {
  if (tenant === allTenants || isIdText(tenant)) return;
  throw new OrchestrationError("run/id-invalid", { what: "tenant", value: tenant.slice(0, 200) });
}
