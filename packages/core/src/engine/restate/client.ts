import { OrchestrationError, reasonOf } from "../../errors.ts";
import type { Clock } from "../../port/clock.ts";

/**
 * The way to a cluster from outside, over HTTP.
 *
 * K1 Every question ends: within its deadline there is an answer or an error that says what is missing.
 * K2 What is asked here may be asked twice: each handler takes a second time for the first.
 */
export interface RestateClient {
  /**
   * Calls a handler of an object and waits for its answer.
   * @throws OrchestrationError `engine/unreachable`, `engine/no-answer`, `engine/no-worker`, `engine/run-paused`,
   *   `engine/not-deployed`, `engine/refused`, `engine/closed`
   */
  readonly call: <Answer>(to: Target, body?: unknown, deadlineMs?: number) => Promise<Answer>;
  /** Rows of the cluster's own tables. @throws OrchestrationError `engine/admin-unreachable`, `engine/refused` */
  readonly query: <Row>(sql: string) => Promise<readonly Row[]>;
  /** @throws OrchestrationError `engine/admin-unreachable`, `engine/refused` */
  readonly admin: <Answer>(method: string, path: string, body?: unknown) => Promise<Answer>;
}

export interface Target {
  readonly service: string;
  readonly key: string;
  readonly handler: string;
}

export interface ClientOptions {
  /** Addresses of the nodes' ingress; the next one is asked when one is away. */
  readonly ingress: readonly string[];
  readonly admin: readonly string[];
  /** The machine's clock; its timers keep the process alive, for somebody waits for them. */
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** Ends whatever is asked when it is aborted; its reason is what who asked is told. */
  readonly closed: AbortSignal;
  readonly fetch?: typeof globalThis.fetch;
}

/** The machine's clock, whose timers keep the process alive. */
export const waitingClock: Clock = {
  now: () => Date.now(),
  at: (dueAt, callback) => {
    const timer = setTimeout(callback, Math.max(0, dueAt - Date.now()));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Addresses as they were given, without a slash at the end. */
export function addressesOf(given: string | readonly string[]): string[] {
  return (typeof given === "string" ? [given] : given).map((address) => address.replace(/\/$/, ""));
}

const firstPauseMs = 50;
const pauseMsMax = 1_000;
/** What the question why may take on top of a deadline. */
const diagnoseMs = 1_500;
const adminMs = 5_000;

export function restateClient(options: ClientOptions): RestateClient {
  const { ingress, admin, clock, closed, deadlineMs: usualMs, fetch: ask = globalThis.fetch } = options;
  let turn = 0;

  const request = async (url: string, method: string, body: unknown, leftMs: number): Promise<unknown> => {
    const late = new AbortController();
    const timer = clock.at(clock.now() + leftMs, () =>
      late.abort(new DOMException("no answer in time", "TimeoutError")),
    );
    const onClose = () => late.abort(closed.reason);
    closed.addEventListener("abort", onClose, { once: true });
    try {
      const response = await ask(url, {
        method,
        headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
        body: body === undefined ? null : JSON.stringify(body),
        signal: late.signal,
      });
      const text = await response.text();
      if (!response.ok) throw new Refused(response.status, text);
      return text === "" ? undefined : JSON.parse(text);
    } finally {
      timer.cancel();
      closed.removeEventListener("abort", onClose);
    }
  };

  const pause = (delayMs: number) =>
    new Promise<void>((resolve) => {
      clock.at(clock.now() + delayMs, resolve);
    });

  const call: RestateClient["call"] = async <Answer>(to: Target, body: unknown, deadlineMs = usualMs) => {
    const until = clock.now() + deadlineMs;
    const path = `${to.service}/${encodeURIComponent(to.key)}/${to.handler}`;
    let last: unknown;
    let reached = false;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
      for (let tried = 0; tried < ingress.length && clock.now() < until; tried++) {
        // Behind the end there is nothing that would abort the request.
        closed.throwIfAborted();
        const base = ingress[turn % ingress.length] as string;
        try {
          return (await request(`${base}/${path}`, "POST", body, until - clock.now())) as Answer;
        } catch (thrown) {
          closed.throwIfAborted();
          last = thrown;
          if (thrown instanceof Refused && !thrown.isPassing) throw refused(thrown, to);
          if (thrown instanceof Refused || isTimeout(thrown) || isBroken(thrown)) reached = true;
          turn++;
        }
      }
      if (clock.now() + pauseMs >= until) break;
      await pause(pauseMs);
    }
    throw await whyNot(to, deadlineMs, reached, last);
  };

  /** Looks for what keeps an answer away; what cannot be told is told as no answer. */
  const whyNot = async (to: Target, deadlineMs: number, reached: boolean, cause: unknown) => {
    const where = { service: to.service, key: to.key };
    if (!reached) {
      const data = { addresses: [...ingress], reason: reasonOf(cause) };
      return new OrchestrationError("engine/unreachable", data, { cause });
    }
    try {
      const found = await rowsOf<Failing>(
        "SELECT id, status, last_failure AS failure, target_service_name AS service FROM sys_invocation " +
          `WHERE target_service_key = ${quoted(to.key)} AND status IN ('paused', 'backing-off')`,
        diagnoseMs,
      );
      // Another installation of the cluster may have an object of the same name.
      const [namespace] = to.service.split(".");
      const rows = found.filter(({ service }) => service.startsWith(`${namespace}.`));
      const paused = rows.find(({ status }) => status === "paused");
      if (paused) return new OrchestrationError("engine/run-paused", { ...where, invocation: paused.id }, { cause });
      const [failing] = rows;
      if (failing) {
        const reason = failing.failure ?? "no reason is given";
        return new OrchestrationError("engine/no-worker", { ...where, reason }, { cause });
      }
    } catch {
      // Who cannot even be asked why is told as what it looks like from here.
    }
    return new OrchestrationError("engine/no-answer", { ...where, deadlineMs }, { cause });
  };

  const onAdmin = async (
    method: string,
    path: string,
    body: unknown,
    limitMs: number,
    isPassing = (refused: Refused) => refused.isPassing,
  ): Promise<unknown> => {
    let last: unknown;
    for (const base of admin) {
      try {
        return await request(`${base}/${path}`, method, body, limitMs);
      } catch (thrown) {
        closed.throwIfAborted();
        if (thrown instanceof Refused && !isPassing(thrown)) {
          const data = { service: "admin", reason: thrown.message };
          throw new OrchestrationError("engine/refused", data, { cause: thrown });
        }
        last = thrown;
      }
    }
    const data = { addresses: [...admin], reason: reasonOf(last) };
    throw new OrchestrationError("engine/admin-unreachable", data, { cause: last });
  };
  /** While a partition moves, or its node is slow, the tables are told as an error of the server: they are asked again. */
  const rowsOf = async <Row>(sql: string, limitMs: number): Promise<readonly Row[]> => {
    const until = clock.now() + limitMs;
    for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
      const isLast = clock.now() + pauseMs >= until;
      try {
        const left = Math.max(1, until - clock.now());
        const answer = await onAdmin("POST", "query", { query: sql }, left, ({ status }) => status >= 500);
        return (answer as { readonly rows: readonly Row[] }).rows;
      } catch (thrown) {
        const isMoving = OrchestrationError.is(thrown, "engine/admin-unreachable") && thrown.cause instanceof Refused;
        if (isLast || !isMoving) throw thrown;
      }
      await pause(pauseMs);
      closed.throwIfAborted();
    }
  };

  return {
    call,
    query: (sql) => rowsOf(sql, adminMs),
    admin: async <Answer>(method: string, path: string, body?: unknown) =>
      (await onAdmin(method, path, body, adminMs)) as Answer,
  };
}

/** A call that does not come forward. */
interface Failing {
  readonly id: string;
  readonly status: string;
  readonly failure: string | null;
  readonly service: string;
}

/** A deployment as the admin port lists it. */
export interface Deployment {
  readonly id: string;
  readonly uri?: string;
  readonly services: readonly { readonly name: string }[];
}

/** Deployments of the cluster, whoever's they are. @throws OrchestrationError `engine/admin-unreachable` */
export async function listDeployments(client: RestateClient): Promise<readonly Deployment[]> {
  return (await client.admin<{ readonly deployments: readonly Deployment[] }>("GET", "deployments")).deployments;
}

/** A text as SQL writes it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An answer of HTTP that is no success. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`${status} ${text.slice(0, 500)}`);
    this.status = status;
  }

  /** True for what a node says that starts, stops or has lost its leader. */
  get isPassing(): boolean {
    return [429, 502, 503, 504].includes(this.status);
  }
}

function refused(thrown: Refused, { service, key }: Target): OrchestrationError {
  if (thrown.status === 404) return new OrchestrationError("engine/not-deployed", { service, key }, { cause: thrown });
  return new OrchestrationError("engine/refused", { service, reason: thrown.message }, { cause: thrown });
}

/** True where a connection was there, and broke behind the request: that may have been taken. */
function isBroken(thrown: unknown): boolean {
  const { code } = ((thrown as Error).cause ?? {}) as { readonly code?: unknown };
  return ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"].includes(
    String(code),
  );
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === "TimeoutError" || thrown.name === "AbortError");
}
