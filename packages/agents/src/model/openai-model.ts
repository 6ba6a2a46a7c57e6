import { type Model, type ModelDelta, type ModelRequest, systemClock, type Usage } from "@remit/core";
import type OpenAI from "openai";
import type { Answer } from "./answer.ts";
import { once } from "./once.ts";
import { defaultMaxOutputTokens, defaultTimeoutMs, type OpenAiBaseOptions } from "./openai-options.ts";
import { bodySize, type Rendered, renderRequest } from "./render.ts";
import {
  filteredError,
  lateError,
  lateStatusOf,
  loadSdk,
  truncatedError,
  withoutSecret,
  withUsage,
} from "./sdk-failure.ts";
import { thrownOnTheWay } from "./sdk-thrown.ts";
import { settingsOf } from "./settings.ts";
import { wireFetch } from "./wire-fetch.ts";

/** What one call of one of OpenAI's protocols needs. */
export interface OpenAiCall<Body> {
  readonly client: OpenAI;
  readonly request: ModelRequest;
  readonly rendered: Rendered;
  /** What was written of the request; it is not to be changed. */
  readonly body: Body;
  /** Where it is, the answer comes in pieces. */
  readonly onDelta: ((delta: ModelDelta) => void) | undefined;
  /** Hears of usage once it is final, so that a call that fails after that still says what it has cost. */
  readonly onUsage: (usage: Usage) => void;
  readonly options: {
    readonly signal: AbortSignal;
    readonly maxRetries: 0;
    readonly timeout: number;
    readonly headers: Readonly<Record<string, string>>;
  };
}

export interface OpenAiModelOptions<Body extends object> extends OpenAiBaseOptions {
  readonly id: string;
  readonly provider: string;
  readonly cost: "zero" | "paid";
  readonly connect: { readonly apiKey?: string; readonly baseURL?: string; readonly isForeign: boolean };
  /** What its answers depend on beside what all models of the SDK have. */
  readonly settings: { readonly [name: string]: unknown };
  /** The body of a request, but for whether the answer comes in pieces. */
  readonly write: (request: ModelRequest, rendered: Rendered, maxOutputTokens: number) => Body;
  /** Asks once. It throws what the SDK throws. */
  readonly ask: (call: OpenAiCall<Body>) => Promise<Answer>;
}

/** What a body says of how the answer comes, at its longest. */
const howAtMost = { stream: false, stream_options: { include_usage: true } };
/** How much later the SDK gives up than the gate, which says so in words of ours. */
const graceMs = 5_000;

/**
 * A model that OpenAI's SDK speaks to. One call makes one request: trying again, bounds and breakers are the gate's.
 * Errors beside those of the vendor are `model/sdk-missing`, `model/truncated` and `model/content-filtered`.
 */
export function openAiModel<Body extends object>(options: OpenAiModelOptions<Body>): Model {
  const { id, provider, cost, price, write, ask, headers, stream = true, clock = systemClock() } = options;
  const { maxOutputTokens = defaultMaxOutputTokens, timeoutMs = defaultTimeoutMs } = options;
  const { temperature, reasoningEffort } = options;
  let client: Promise<OpenAI> | undefined;
  const connected = () => {
    client ??= clientOf(options).catch((thrown: unknown) => {
      client = undefined; // The next call may find it.
      throw thrown;
    });
    return client;
  };
  // A request that is quoted and then made is rendered and written once.
  const renderedOf = once(renderRequest);
  const bodyOf = once((request: ModelRequest) => write(request, renderedOf(request), maxOutputTokens));
  const sizeOf = (request: ModelRequest) => {
    const whole = renderedOf(request);
    return bodySize(whole, (emptied) => ({
      ...(emptied === whole ? bodyOf(request) : write(request, emptied, maxOutputTokens)),
      ...howAtMost,
    }));
  };
  return {
    id,
    cost,
    provider,
    timeoutMs,
    ...(options.firstSignMs === undefined ? {} : { firstSignMs: options.firstSignMs }),
    ...(options.cleared === undefined ? {} : { cleared: options.cleared }),
    settings: settingsOf({
      ...options.settings,
      baseUrl: options.connect.baseURL,
      maxOutputTokens,
      temperature,
      reasoningEffort,
    }),
    ...(price ? { quote: (request) => price.quote(sizeOf(request), maxOutputTokens) } : {}),
    generate: async (request, { signal, onDelta }) => {
      const startedAt = clock.now();
      let usage: Usage | undefined;
      let secret: string | undefined;
      try {
        const sdk = await connected();
        secret = sdk.apiKey ?? undefined;
        const answer = await ask({
          client: sdk,
          request,
          rendered: renderedOf(request),
          body: bodyOf(request),
          onDelta: stream ? onDelta : undefined,
          onUsage: (told) => {
            usage = told;
          },
          options: { signal, maxRetries: 0, timeout: timeoutMs + graceMs, headers: headers?.(request) ?? {} },
        });
        usage = answer.usage ?? usage;
        if (answer.cut?.why === "truncated") throw truncatedError(id, maxOutputTokens);
        if (answer.cut?.why === "filtered") throw filteredError(id, answer.cut.reason);
        return {
          parts: answer.parts,
          ...(usage ? { usage } : {}),
          ...(usage && price ? { cost: price.cost(usage, startedAt) } : {}),
          ...(answer.model === undefined || answer.model === id ? {} : { model: answer.model }),
        };
      } catch (thrown) {
        throw withUsage(failureOf(withoutSecret(thrown, secret), id, signal), usage, price, startedAt);
      }
    },
  };
}

async function clientOf({
  id,
  client,
  connect,
}: Pick<OpenAiModelOptions<object>, "id" | "client" | "connect">): Promise<OpenAI> {
  if (client) return (typeof client === "function" ? await client() : client) as OpenAI;
  const { default: Client } = await loadSdk(() => import("openai"), id, "openai");
  const { apiKey, baseURL, isForeign } = connect;
  return new Client({
    // Another vendor's server gets nothing that the environment holds for OpenAI.
    ...(isForeign ? foreign(apiKey ?? "none") : { apiKey: apiKey as string }),
    ...(baseURL === undefined ? {} : { baseURL }),
    maxRetries: 0,
    logLevel: "off",
    fetch: wireFetch(id),
  });
}

/** For a server that is not OpenAI's. Headers of the environment's are taken away by name: the SDK adds them to all calls. */
function foreign(apiKey: string) {
  const lines = (process.env.OPENAI_CUSTOM_HEADERS ?? "").split("\n").filter((line) => line.includes(":"));
  const names = lines.map((line) => line.slice(0, line.indexOf(":")).trim().toLowerCase());
  const own = names.map((name) => [name, name === "authorization" ? `Bearer ${apiKey}` : null]);
  return {
    apiKey,
    adminAPIKey: null,
    organization: null,
    project: null,
    defaultHeaders: Object.fromEntries(own) as Record<string, string | null>,
  };
}

const filterCodes: ReadonlySet<unknown> = new Set([
  "content_filter",
  "content_policy_violation",
  "image_content_policy_violation",
  "misalignment_policy_violation",
  "bio_policy",
]);

/** What the SDK threw, in a form that core knows. */
function failureOf(thrown: unknown, model: string, signal: AbortSignal): unknown {
  const onTheWay = thrownOnTheWay(thrown, model, signal);
  if (onTheWay) return onTheWay;
  if (!(thrown instanceof Error)) return thrown;
  const { status, code } = thrown as { readonly status?: unknown; readonly code?: unknown };
  if (filterCodes.has(code)) return filteredError(model, thrown.message, thrown);
  if (status !== undefined) return thrown;
  const late = lateStatusOf(thrown);
  return late === undefined ? thrown : lateError(late, thrown.message, thrown);
}
