import { request as sendRequest } from "node:http";

/** Clients of MCP over HTTP as plain as can be, for tests: what goes out and what comes back is what the test says. */

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The message that answers the request; whatever JSON came where none does. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of every kind, looked into by tests.
  readonly body: any;
  /** Messages that came before it. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly before: readonly any[];
}

export interface SentOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly method?: string;
  /** Hears each message as it comes. */
  readonly onMessage?: (message: { readonly [key: string]: unknown }) => void;
}

/** Sends one body and reads the answer to its end. */
export async function send(url: string, body: unknown, options: SentOptions = {}): Promise<HttpAnswer> {
  const { headers = {}, signal, method = "POST", onMessage } = options;
  const response = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json, text/event-stream", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  const seen: { readonly [key: string]: unknown }[] = [];
  const isStream = response.headers.get("content-type")?.includes("text/event-stream") ?? false;
  if (isStream && response.body) {
    let text = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const data = /^data: ?(.+)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        if (data === undefined) continue;
        seen.push(JSON.parse(data));
        onMessage?.(seen.at(-1)!);
      }
    }
  } else {
    const text = await response.text();
    if (text !== "") seen.push(JSON.parse(text));
  }
  return { status: response.status, headers: response.headers, body: seen.at(-1), before: seen.slice(0, -1) };
}

export interface PlainClientOptions {
  readonly token?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly name?: string;
}

/** A client of 2026-07-28: each request stands for itself. */
export function statelessClient(url: string, { token, capabilities = {}, name = "a client" }: PlainClientOptions = {}) {
  let id = 0;
  return (method: string, params: { readonly [key: string]: unknown } = {}, options: SentOptions = {}) => {
    id += 1;
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name, version: "1" },
      "io.modelcontextprotocol/clientCapabilities": capabilities,
      ...(params._meta as object | undefined),
    };
    const named = params.name ?? params.uri;
    const headers = {
      "Mcp-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(typeof named === "string" ? { "Mcp-Name": named } : {}),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...options.headers,
    };
    return send(url, { jsonrpc: "2.0", id, method, params: { ...params, _meta } }, { ...options, headers });
  };
}

/** Opens a session of 2025-11-25. `answer` answers what the server asks in its course. */
export async function openSession(
  url: string,
  options: PlainClientOptions & {
    readonly answer?: (method: string, params: { readonly [key: string]: unknown }) => unknown;
  } = {},
) {
  const { token, capabilities = {}, name = "a client", answer } = options;
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const initialize = {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities, clientInfo: { name, version: "1" } },
  };
  const opened = await send(url, initialize, { headers: authorization });
  const sessionId = opened.headers.get("mcp-session-id") ?? "";
  const headers = { ...authorization, "Mcp-Session-Id": sessionId, "Mcp-Protocol-Version": "2025-11-25" };
  let id = 0;
  const request = (method: string, params: { readonly [key: string]: unknown } = {}, sent: SentOptions = {}) => {
    id += 1;
    return send(
      url,
      { jsonrpc: "2.0", id, method, params },
      {
        ...sent,
        headers: { ...headers, ...sent.headers },
        onMessage: (message) => {
          sent.onMessage?.(message);
          if (message.id === undefined || message.method === undefined || !answer) return;
          const result = answer(String(message.method), message.params as { readonly [key: string]: unknown });
          void send(url, { jsonrpc: "2.0", id: message.id, result }, { headers });
        },
      },
    );
  };
  return { opened, sessionId, headers, request };
}

/**
 * Sends a request with headers that `fetch` would not, such as `Host`, and a body as slow as it is written.
 * @param write gets the way to send a part of the body, and to end it
 */
export function sendRaw(
  url: string,
  headers: Readonly<Record<string, string>>,
  write: (send: (chunk: string) => void, end: () => void) => void,
): Promise<{ readonly status: number | undefined; readonly error: string | undefined }> {
  return new Promise((resolve) => {
    const sent = sendRequest(url, { method: "POST", headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, error: undefined });
    });
    sent.once("error", (error: NodeJS.ErrnoException) => resolve({ status: undefined, error: error.code }));
    write(
      (chunk) => sent.write(chunk),
      () => sent.end(),
    );
  });
}
