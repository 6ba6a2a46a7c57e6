import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

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
