import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** A collector that takes OTLP over HTTP as JSON, on a port of this machine, and keeps what it was told. */
export interface Collector {
  readonly url: string;
  /** The texts that came, as they came over the wire. */
  readonly bodies: readonly string[];
  readonly spans: () => readonly CollectedSpan[];
  readonly metrics: () => readonly CollectedMetric[];
  readonly close: () => Promise<void>;
}

export interface CollectedSpan {
  readonly name: string;
  /** 1 internal, 3 client. */
  readonly kind: number;
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2 for an error. */
  readonly status: number;
  readonly tookNs: bigint;
}

export interface CollectedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: "histogram" | "sum";
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, unknown>>;
    readonly sum: number;
    readonly count: number | undefined;
    readonly bounds: readonly number[] | undefined;
  }[];
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
interface KeyValue {
  readonly key: string;
  readonly value: Value;
}
interface Point {
  readonly attributes?: readonly KeyValue[];
  readonly sum?: number;
  readonly count?: number | string;
  readonly asDouble?: number;
  readonly explicitBounds?: readonly number[];
}
interface Payload {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[] }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly RawMetric[] }[];
  }[];
}
interface RawSpan {
  readonly name: string;
  readonly kind: number;
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly attributes?: readonly KeyValue[];
  readonly status?: { readonly code?: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}
interface RawMetric {
  readonly name: string;
  readonly unit: string;
  readonly histogram?: { readonly dataPoints: readonly Point[] };
  readonly sum?: { readonly dataPoints: readonly Point[] };
}

export async function openCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks);
      bodies.push((request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString());
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const payloads = () => bodies.map((body) => JSON.parse(body) as Payload);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans: () =>
      payloads()
        .flatMap(({ resourceSpans = [] }) => resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
        .map((span) => ({
          name: span.name,
          kind: span.kind,
          spanId: span.spanId,
          traceId: span.traceId,
          parentSpanId: span.parentSpanId || undefined,
          attributes: read(span.attributes),
          status: span.status?.code ?? 0,
          tookNs: BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano),
        })),
    metrics: () =>
      payloads()
        .flatMap(({ resourceMetrics = [] }) => resourceMetrics)
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
        .map(({ name, unit, histogram, sum }) => ({
          name,
          unit,
          kind: histogram ? "histogram" : "sum",
          points: (histogram ?? sum)?.dataPoints.map(pointOf) ?? [],
        })),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function pointOf({ attributes, sum, count, asDouble, explicitBounds }: Point): CollectedMetric["points"][number] {
  return {
    attributes: read(attributes),
    sum: sum ?? asDouble ?? 0,
    count: count === undefined ? undefined : Number(count),
    bounds: explicitBounds,
  };
}

function read(attributes: readonly KeyValue[] = []): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue)),
    ]),
  );
}
