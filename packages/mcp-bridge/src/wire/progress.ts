import type { WireProgress, WireRequestOptions } from "./port.ts";

/**
 * Who listens to the progress of which request. The SDKs tell of progress after an answer that came with it, and forget
 * it then; here it is told as it comes.
 */
export interface ProgressBoard {
  /** The parameters with a token of ours, where somebody listens. `done` must be called when the request is over. */
  readonly begin: (
    params: { readonly [key: string]: unknown },
    onProgress: WireRequestOptions["onProgress"],
  ) => { readonly params: { readonly [key: string]: unknown }; readonly done: () => void };
  /** True when the message was progress, for whomever; then it is for nobody else. */
  readonly take: (message: object) => boolean;
}

/** @param fault hears of progress that belongs to nothing */
export function progressBoard(fault: (reason: string) => void): ProgressBoard {
  const listeners = new Map<unknown, (progress: WireProgress) => void>();
  let last = 0;
  return {
    begin: (params, onProgress) => {
      if (!onProgress) return { params, done: () => {} };
      const token = ++last;
      listeners.set(token, onProgress);
      return { params: withToken(params, token), done: () => listeners.delete(token) };
    },
    take: (message) => takeProgress(message, (token) => listeners.get(token), fault),
  };
}

type Params = { readonly [key: string]: unknown };

/** The parameters of a request that asks for signs of life under a token. */
export function withToken(params: Params, token: number): Params {
  const meta = params._meta as object | undefined;
  return { ...params, _meta: { ...meta, progressToken: token } };
}

/**
 * True when the message was progress, for whomever; then it is for nobody else.
 * @param fault hears of progress that belongs to nothing
 */
export function takeProgress(
  message: object,
  listenerOf: (token: unknown) => ((progress: WireProgress) => void) | undefined,
  fault: (reason: string) => void,
): boolean {
  const { method, params } = message as { readonly method?: unknown; readonly params?: unknown };
  if (method !== "notifications/progress") return false;
  const { progressToken, progress, total, message: words } = (params ?? {}) as Params;
  const listener = listenerOf(progressToken);
  if (!listener || typeof progress !== "number") {
    fault("progress of nothing that is under way");
    return true;
  }
  listener({
    progress,
    total: typeof total === "number" ? total : undefined,
    message: typeof words === "string" ? words : undefined,
  });
  return true;
}
