/**
 * A process that writes to an SQLite journal, for the tests that race and kill it. It takes its orders as arguments and
 * reports a line of JSON for each thing that has happened, once it has happened.
 */

import { OrchestrationError } from "../../packages/core/src/errors.ts";
import { sqliteJournal } from "../../packages/core/src/journal/sqlite.ts";
import { testStream } from "./journal-stream.ts";

const [order = "", path = "", story = "", count = "0"] = process.argv.slice(2);
const report = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);
const refusal = (thrown: unknown) => {
  if (!OrchestrationError.is(thrown)) throw thrown;
  report({ refused: thrown.code, data: thrown.data });
  return thrown.code;
};

/** Resolves when the test says go. */
const released = () => new Promise((resolve) => process.stdin.once("data", resolve));

const orders: Record<string, () => Promise<void>> = {
  /** Appends to one stream without looking at what another does. */
  race: async () => {
    const journal = sqliteJournal({ path });
    const stream = testStream("raced", { story });
    report({ ready: true });
    await released();
    try {
      for (let done = 0; done < Number(count); done++) {
        const { lastSeq, hash } = await stream.append(journal);
        report({ acknowledged: lastSeq, hash });
      }
    } catch (thrown) {
      refusal(thrown);
    }
    await journal.close();
    process.stdin.unref();
  },

  /** Appends to one stream and, when another was quicker, takes up where that one stands. */
  share: async () => {
    const journal = sqliteJournal({ path });
    report({ ready: true, key: await journal.tenantKey("acme") });
    await released();
    let left = Number(count);
    let stream = testStream("shared", { story });
    while (left > 0) {
      try {
        const { lastSeq, hash } = await stream.append(journal);
        report({ acknowledged: lastSeq, hash });
        left--;
      } catch (thrown) {
        if (refusal(thrown) !== "journal/conflict") throw thrown;
        stream = testStream("shared", { story, behind: await journal.read(stream.key) });
      }
    }
    await journal.close();
    process.stdin.unref();
  },

  /** Appends to several streams for ever, continuing those that are there. */
  endless: async () => {
    const journal = sqliteJournal({ path });
    const write = async (id: string) => {
      const { key } = testStream(id);
      const stream = testStream(id, { story, behind: await journal.read(key) });
      for (;;) {
        const { lastSeq, hash } = await stream.append(journal, { status: "running" });
        report({ acknowledged: lastSeq, id, hash });
      }
    };
    await Promise.all(Array.from({ length: Number(count) }, (_, index) => write(`run_${index}`)));
  },

  /** Appends, awaits nothing, closes nothing, and comes to its end. */
  leave: async () => {
    const journal = sqliteJournal({ path });
    const stream = testStream("left", { story });
    for (let index = 0; index < Number(count); index++) void stream.append(journal);
  },

  /** Opens a journal as somebody without special rights. */
  open: async () => {
    if (process.getuid?.() === 0) process.setuid?.(65534);
    try {
      await sqliteJournal({ path }).close();
      report({ opened: true });
    } catch (thrown) {
      refusal(thrown);
    }
  },
};

await orders[order]?.();
