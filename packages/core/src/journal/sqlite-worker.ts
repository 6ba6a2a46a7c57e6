import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { sqliteCommitter } from "./sqlite-commit.ts";
import { type Fault, type Request, type TimedAnswer, unpacked, type Write } from "./sqlite-message.ts";

/**
 * The writer thread of an SQLite journal. It takes everything that waits, commits it in one transaction and answers.
 * What is sent meanwhile forms the next transaction, so the groups grow with the load and a lone write waits for nobody.
 */

if (!parentPort) throw new Error("this module is a worker thread of the SQLite journal");
const port = parentPort;
const { path } = workerData as { path: string };
const committer = sqliteCommitter(path);

port.on("message", (first: Request) => {
  const writes: Write[] = [];
  let fault: Fault | undefined;
  let closing = false;
  for (let request: Request | undefined = first; request; request = waiting()) {
    if (request.type === "close") closing = true;
    else {
      for (const write of request.writes) writes.push(unpacked(write));
      fault = request.fault ?? fault;
    }
  }
  if (fault === "crash") throw new Error("a simulated crash");
  if (writes.length > 0) {
    const began = performance.now();
    const answer = committer.commit(writes, fault === "full-disk");
    port.postMessage({ ...answer, tookMs: performance.now() - began } satisfies TimedAnswer);
  }
  if (closing) {
    committer.close();
    port.close();
  }
});

function waiting(): Request | undefined {
  return receiveMessageOnPort(port)?.message as Request | undefined;
}
