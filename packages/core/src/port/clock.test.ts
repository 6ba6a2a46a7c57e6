import { spawnSync } from "node:child_process";
import { expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";

const clockFile = new URL("./clock.ts", import.meta.url).href;

/** What a process prints that sets a timer and does nothing else. */
function alone(lines: string): string {
  const program = `const clock = (await import(${JSON.stringify(clockFile)})).systemClock(); ${lines}`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  return stdout;
}

test("a timer keeps no process alive, and who holds one does until it lets go", () => {
  expect(alone('clock.at(clock.now() + 50, () => console.log("fired"));')).toBe("");
  const held = 'const hold = clock.hold(); clock.at(clock.now() + 50, () => { console.log("fired"); hold.cancel(); });';
  expect(alone(held)).toBe("fired\n");
  // Taken and let go again and again, by several at a time, and let go twice by one of them.
  const often =
    "const one = clock.hold(); one.cancel(); const two = clock.hold(); const three = clock.hold(); two.cancel(); two.cancel();";
  const later = 'clock.at(clock.now() + 50, () => { console.log("fired"); three.cancel(); });';
  expect(alone(`${often} ${later}`)).toBe("fired\n");
  expect(alone(`${often} three.cancel(); clock.at(clock.now() + 50, () => console.log("fired"));`)).toBe("");
});

test("what cancels a timer does so when it is taken off it too, and for one that is further off than a timer can reach", () => {
  vi.useFakeTimers();
  try {
    const clock = systemClock();
    const fired: string[] = [];
    const { cancel } = clock.at(clock.now() + 50, () => fired.push("taken off"));
    const held = clock.at(clock.now() + 50, () => fired.push("held"));
    const monthMs = 30 * 24 * 3_600_000;
    const far = clock.at(clock.now() + monthMs, () => fired.push("cancelled, a month off"));
    clock.at(clock.now() + monthMs, () => fired.push("a month off"));
    cancel();
    held.cancel();
    vi.advanceTimersByTime(monthMs - 1);
    expect(fired).toEqual([]);
    far.cancel();
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(["a month off"]);
  } finally {
    vi.useRealTimers();
  }
});
