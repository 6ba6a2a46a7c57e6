// @ts-check
/**
 * A small load balancer for workers on loopback: HTTP/2 both ways, each call to the next worker that answers. It stands for
 * what a real installation has in front of its workers; it looks whether they are alive, as that one must.
 */
import { once } from "node:events";
import { connect, constants, createServer } from "node:http2";

const lookMs = 1_000;

/** @typedef {{ uri: string, setWorkers: (workers: readonly string[]) => void, close: () => Promise<void> }} Balancer */

/**
 * @param {readonly string[]} workers their addresses
 * @param {{ port?: number, patienceMs?: number }} [options] `patienceMs`: after how long without an answer a worker is away
 * @returns {Promise<Balancer>}
 */
export async function openBalancer(workers, { port = 0, patienceMs = 3_000 } = {}) {
  let all = [...workers];
  /** @type {Map<string, import("node:http2").ClientHttp2Session>} */
  const sessions = new Map();
  /** Workers that did not answer, and when they may be tried again. @type {Map<string, number>} */
  const away = new Map();
  let turn = 0;

  const sessionOf = (/** @type {string} */ worker) => {
    const known = sessions.get(worker);
    if (known && !known.closed && !known.destroyed) return known;
    const session = connect(worker);
    sessions.set(worker, session);
    session.on("error", () => away.set(worker, Date.now() + lookMs));
    session.on("close", () => {
      if (sessions.get(worker) === session) sessions.delete(worker);
    });
    return session;
  };
  /** A worker that stands still answers no ping: what is under way there is broken off and goes to another one. */
  const looking = setInterval(() => {
    for (const [worker, session] of sessions) {
      if (session.connecting || session.destroyed) continue;
      const late = setTimeout(() => {
        away.set(worker, Date.now() + patienceMs);
        session.destroy();
      }, patienceMs);
      try {
        session.ping(() => clearTimeout(late));
      } catch {
        clearTimeout(late);
      }
    }
  }, lookMs);
  looking.unref();
  const next = () => {
    const up = all.filter((worker) => (away.get(worker) ?? 0) <= Date.now());
    const from = up.length > 0 ? up : all;
    return from[turn++ % from.length];
  };

  /** @type {Set<import("node:http2").ServerHttp2Session>} */
  const clients = new Set();
  const server = createServer();
  server.on("session", (session) => {
    clients.add(session);
    session.on("close", () => clients.delete(session));
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    const worker = next();
    stream.on("error", () => {});
    if (worker === undefined) {
      stream.respond({ ":status": 503 }, { endStream: true });
      return;
    }
    const onward = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":")));
    const upstream = sessionOf(worker).request({ ...onward, ":method": headers[":method"], ":path": headers[":path"] });
    const breakOff = () => {
      if (!stream.destroyed) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    };
    upstream.on("response", (answered) => {
      const { ":status": status, ...rest } = answered;
      if (!stream.destroyed && !stream.headersSent) stream.respond({ ":status": status, ...rest });
    });
    upstream.on("error", breakOff);
    upstream.on("close", () => {
      if (upstream.rstCode !== constants.NGHTTP2_NO_ERROR || !stream.headersSent) breakOff();
    });
    stream.on("close", () => {
      if (!upstream.destroyed) upstream.close(stream.rstCode);
    });
    stream.pipe(upstream);
    upstream.pipe(stream);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const bound = /** @type {{ port: number }} */ (server.address()).port;
  return {
    uri: `http://127.0.0.1:${bound}`,
    setWorkers: (now) => {
      all = [...now];
    },
    close: async () => {
      clearInterval(looking);
      const closed = once(server, "close");
      server.close();
      for (const session of [...clients, ...sessions.values()]) session.destroy();
      await closed;
    },
  };
}
