import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Model } from "@remit/core";
import { afterEach, describe, expect, test } from "vitest";
import { anthropic } from "./anthropic.ts";
import { openai, openaiCompatible } from "./openai.ts";
import { request } from "./request.test.data.ts";
import { wireFetch } from "./wire-fetch.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const says =
  (type: string, body: string | Buffer, more: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(200, { "content-type": type, ...more });
    response.end(body);
  };

const apiKey = "sk-a-key-that-nobody-has";
const models = (baseUrl: string, stream: boolean): readonly [string, Model][] => [
  ["openai", openai("m", { apiKey, baseUrl, stream })],
  ["compatible", openaiCompatible("m", { apiKey, baseUrl, stream })],
  ["anthropic", anthropic("m", { apiKey, baseUrl, stream })],
];

async function thrownBy(model: Model): Promise<unknown> {
  try {
    return await model.generate(request(), { signal: new AbortController().signal, onDelta: () => {} });
  } catch (thrown) {
    return thrown;
  }
}

describe.each([true, false])("with a stream asked for: %s", (stream) => {
  test("F1 a redirect is not followed, says where to, and has cost nothing", async () => {
    const heard: string[] = [];
    const other = await serve((asked, response) => {
      heard.push(asked.url ?? "");
      response.end();
    });
    const url = await serve((_, response) => {
      response.writeHead(307, { location: `${other}/there?key=secret` });
      response.end();
    });
    for (const [, model] of models(url, stream)) {
      const thrown = await thrownBy(model);
      expect(thrown).toMatchObject({ code: "model/failed", data: { status: 307 }, cost: { microUsd: 0 } });
      expect(String(thrown)).toContain(other);
      expect(String(thrown)).not.toContain("secret");
    }
    expect(heard).toEqual([]);
  });

  test("F3 a page is said to be one", async () => {
    const url = await serve(says("text/html", "<html>Welcome to the intranet</html>"));
    for (const [, model] of models(url, stream)) {
      const thrown = await thrownBy(model);
      expect(thrown).toMatchObject({ code: "model/response-invalid" });
      expect(String(thrown)).toMatch(/text\/html.*baseUrl.*Welcome to the intranet/);
    }
  });

  test("F3 an error with status 200 is that error, and may have cost something", async () => {
    const body = JSON.stringify({ error: { message: "slow down", code: "rate_limit_exceeded" } });
    const url = await serve(says("application/json", body));
    for (const [, model] of models(url, stream)) {
      expect(await thrownBy(model)).toMatchObject({ message: "slow down", status: 429, begun: true });
    }
  });

  test("F3 any other JSON is no answer", async () => {
    const url = await serve(says("application/json", '{"hello":1}'));
    for (const [, model] of models(url, stream)) {
      expect(await thrownBy(model)).toMatchObject({ code: "model/response-invalid" });
    }
  });
});

test("F3 a stream that is called something else is a stream", async () => {
  const said = { id: "c", object: "chat.completion.chunk", model: "m" };
  const events = [
    { ...said, choices: [{ index: 0, delta: { content: "{}" } }] },
    { ...said, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  ];
  const body = `\n${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`;
  for (const type of ["text/plain", "application/json"]) {
    const url = await serve(says(type, body));
    const model = openaiCompatible("m", { baseUrl: url });
    expect(await thrownBy(model)).toMatchObject({ parts: [{ type: "output", value: {} }] });
  }
});

describe("F2 what is more than the limit is not read", () => {
  const fetched = async (listener: RequestListener) => wireFetch("m", 1_000)(await serve(listener));
  const tooMuch = { code: "model/response-invalid", data: { reason: "more than the limit of 1000 bytes" } };

  test("however small it comes over the wire", async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    for (const type of ["application/json", "text/event-stream"]) {
      const response = await fetched(says(type, bomb, { "content-encoding": "gzip" }));
      await expect(response.text()).rejects.toMatchObject(tooMuch);
    }
  });

  test("of one that never ends, and of an error", async () => {
    const endless: RequestListener = (_, response) => {
      response.writeHead(500, { "content-type": "text/plain" });
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(600)));
      };
      response.on("drain", more);
      more();
    };
    const response = await fetched(endless);
    expect(response.status).toBe(500);
    await expect(response.text()).rejects.toMatchObject(tooMuch);
  });

  test("and what is within it is, decoded", async () => {
    const body = JSON.stringify({ text: "x".repeat(900) });
    const response = await fetched(says("application/json", gzipSync(body), { "content-encoding": "gzip" }));
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(await response.text()).toBe(body);
  });
});
