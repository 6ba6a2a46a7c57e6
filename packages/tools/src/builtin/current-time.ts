import { type Clock, defineTool, type Tool, ToolRefusal } from "@remit/core";
import { z } from "zod";

const input = z.object({
  timeZone: z.string().max(64).default("UTC").describe("A name of the IANA time zone database, such as Europe/Berlin"),
});

const output = z.object({
  /** In UTC, such as 2026-03-01T08:30:00.000Z. */
  utc: z.string(),
  /** In the zone that was asked for, such as 2026-03-01T09:30:00+01:00. */
  local: z.string(),
  weekday: z.string(),
  timeZone: z.string(),
  epochMs: z.int(),
});

/** The tool `current_time` over a clock: a model does not know what time it is. */
export function currentTime({
  clock,
}: {
  readonly clock: Clock;
}): Tool<"current_time", typeof input, typeof output, "read"> {
  return defineTool({
    name: "current_time",
    description: "Tells the current date, time and weekday, in UTC and in one time zone.",
    input,
    output,
    effect: "read",
    timeoutMs: 1_000,
    version: "1",
    execute: ({ timeZone }) => {
      const epochMs = clock.now();
      return { utc: new Date(epochMs).toISOString(), ...localTime(epochMs, timeZone), timeZone, epochMs };
    },
  });
}

function localTime(epochMs: number, timeZone: string): { readonly local: string; readonly weekday: string } {
  const part = partsOf(epochMs, timeZone);
  const offset = part("timeZoneName").replace("GMT", "") || "+00:00";
  const date = `${part("year")}-${part("month")}-${part("day")}`;
  const time = `${part("hour")}:${part("minute")}:${part("second")}`;
  return { local: `${date}T${time}${offset}`, weekday: part("weekday") };
}

function partsOf(epochMs: number, timeZone: string): (type: Intl.DateTimeFormatPartTypes) => string {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-GB", {
      ...{ timeZone, timeZoneName: "longOffset", hourCycle: "h23", weekday: "long", calendar: "iso8601" },
      ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
    });
  } catch (cause) {
    throw new ToolRefusal(`there is no time zone "${timeZone}"`, { cause });
  }
  const parts = format.formatToParts(epochMs);
  return (type) => parts.find((part) => part.type === type)?.value ?? "";
}
