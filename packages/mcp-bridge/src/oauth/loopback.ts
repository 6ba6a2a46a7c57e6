import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { McpError } from "../errors.ts";
import type { OpenUrl } from "./oauth.ts";

/** A place on this machine to which a browser comes back. Holds a port; close it. */
export interface LoopbackRedirect {
  readonly redirectUrl: string;
  /** For `oauth`: shows the address and waits for the browser. */
  readonly openUrl: OpenUrl;
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

export interface LoopbackOptions {
  /** Shows an address to the person, such as by printing it. Anything it starts must not go through a shell. */
  readonly open: (url: URL) => void | Promise<void>;
  /** A free one when absent. */
  readonly port?: number;
  readonly path?: string;
}

const said = "You can close this window.\n";

/**
 * Listens on 127.0.0.1 for a browser to come back from an authorisation. Only who brings the `state` of one that was
 * begun is listened to. https://www.rfc-editor.org/rfc/rfc8252#section-7.3
 * @throws McpError `mcp/listen-failed`
 */
export async function loopbackRedirect({
  open,
  port = 0,
  path = "/callback",
}: LoopbackOptions): Promise<LoopbackRedirect> {
  const begun = new Map<string, (back: URL) => void>();
  const server = createServer((request, response) => {
    const back = URL.parse(request.url ?? "", redirectUrl);
    const resume = back?.pathname === path ? begun.get(back.searchParams.get("state") ?? "") : undefined;
    const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", connection: "close" };
    response.writeHead(resume ? 200 : 404, headers).end(resume ? said : "Not found.\n");
    if (resume && back) resume(back);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new McpError("mcp/listen-failed", { host: "127.0.0.1", port, reason: cause.message }, { cause }));
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  const redirectUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    redirectUrl,
    openUrl: async (url, { signal }) => {
      const state = url.searchParams.get("state") ?? "";
      const coming = Promise.withResolvers<URL>();
      const abort = () => coming.reject(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
      begun.set(state, coming.resolve);
      try {
        await open(url);
        return await coming.promise;
      } finally {
        begun.delete(state);
        signal.removeEventListener("abort", abort);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
