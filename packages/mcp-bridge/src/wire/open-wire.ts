import type { Clock, Logger } from "@remit/core";
import { clientInfo } from "../client-info.ts";
import type { McpLimits } from "../limits.ts";
import { type McpTransport, maskOf } from "../transport.ts";
import type { Wire } from "./port.ts";
import { stdioChannel } from "./stdio.ts";
import { wireV1 } from "./v1.ts";

export interface OpenWireOptions {
  readonly server: string;
  readonly transport: McpTransport;
  readonly limits: McpLimits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The wire that a transport asks for: processes of the elder era by the fast adapter, everything else by the other one,
 * which is loaded when it is needed.
 */
export function openWire({ server, transport, limits, clock, logger }: OpenWireOptions): Wire {
  const { messageBytes, responseBytes, closeGraceMs, inputRounds } = limits;
  const v2 = { client: clientInfo, clock, inputRounds };
  if (transport.kind === "stdio") {
    const open = stdioChannel({ server, transport, messageBytes, closeGraceMs, clock, logger });
    const { protocol: era = "legacy" } = transport;
    if (era === "legacy") return wireV1(clientInfo, open);
    return later(async () => (await import("./v2-stdio.ts")).wireV2Stdio({ ...v2, open, era }));
  }
  const { url, headers, protocol: era, auth, allowPrivate, kind } = transport;
  return later(async () =>
    (await import("./http.ts")).wireHttp({
      ...v2,
      url: new URL(url),
      transport: kind,
      era,
      headers,
      auth,
      allowPrivate,
      messageBytes,
      responseBytes,
      closeGraceMs,
      mask: maskOf(transport),
    }),
  );
}

function later(load: () => Promise<Wire>): Wire {
  let wire: Promise<Wire> | undefined;
  return {
    connect: async (options) => {
      wire ??= load();
      return (await wire).connect(options);
    },
  };
}
