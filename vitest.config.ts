import { join } from "node:path";
import { defineConfig, type TestUserConfig } from "vitest/config";

/** Packages resolve each other's sources through this export condition; child processes get it by NODE_OPTIONS. */
const conditions = ["@remit/source", "node", "import", "default"];

const shared = {
  // Forks, because a test may start workers and processes, which take their options from the process they start in.
  pool: "forks",
  execArgv: ["--conditions=@remit/source"],
  env: {
    NODE_OPTIONS: "--conditions=@remit/source",
    // Many tests start processes from the same sources; what one has compiled the next ones need not.
    NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules", ".cache", "node"),
  },
  // Ends what hangs, and decides nothing else: however busy the machine is, a test that goes on passes.
  testTimeout: 180_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
} satisfies TestUserConfig;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: "all",
          include: ["{packages,apps}/*/{src,packs,examples}/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**", "test/packaging/**", "test/restate/**"],
          // Files share what a worker has loaded: loading it anew for each took longer than most of the tests.
          isolate: false,
        },
      },
      {
        extends: true,
        // Each file starts a node of its own, from a server that is installed before.
        test: {
          ...shared,
          name: "restate",
          include: ["test/restate/**/*.test.ts"],
          globalSetup: ["test/restate/install.ts"],
        },
      },
      {
        extends: true,
        test: { ...shared, name: "packaging", include: ["test/packaging/**/*.test.ts"] },
      },
    ],
  },
});
