import { expect, test } from "vitest";
import { loadSdk } from "./worker.ts";

test("a missing SDK is said by code, and any other failure to load it is passed on", async () => {
  const missing = Object.assign(new Error("Cannot find package '@restatedev/restate-sdk' imported from here"), {
    code: "ERR_MODULE_NOT_FOUND",
  });
  await expect(loadSdk(() => Promise.reject(missing))).rejects.toMatchObject({
    code: "engine/sdk-missing",
    data: { package: "@restatedev/restate-sdk" },
    cause: missing,
  });
  const broken = new Error("broken");
  await expect(loadSdk(() => Promise.reject(broken))).rejects.toBe(broken);
});
