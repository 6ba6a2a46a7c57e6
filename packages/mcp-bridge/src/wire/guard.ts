import { spawn } from "node:child_process";
import type { Socket } from "node:net";

/**
 * Ends a process group when we are gone without a chance to do it ourselves. A shell waits for a word from us; when its
 * input ends without one, we are gone, and it signals the group. It sits in a group of its own, so that what ends ours does
 * not end it, and costs no more than a process that sleeps.
 */
const script = `if ! read -r word; then
  kill -s TERM -- "-$1" 2>/dev/null
  sleep 1
  kill -s KILL -- "-$1" 2>/dev/null
fi`;

/** @returns what lets the guard go: the group is gone, or somebody else sees to it */
export function guardGroup(processId: number, noted: (reason: string) => void): () => void {
  if (process.platform === "win32") return () => {};
  const guard = spawn("/bin/sh", ["-c", script, "remit-guard", String(processId)], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: "/usr/bin:/bin" },
    detached: true,
  });
  const input = guard.stdin as Socket;
  // Without a shell a server that keeps to the protocol still ends when its input does.
  guard.on("error", (error) => noted(`it has no guard: ${error.message}`));
  input.on("error", () => {}); // It was ended by somebody; there is nothing to tell it then.
  guard.unref();
  input.unref();
  return () => void input.end("done\n");
}
