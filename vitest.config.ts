import { defineConfig } from "vitest/config";

/** Packages resolve each other's sources through this export condition; child processes get it by NODE_OPTIONS. */
const conditions = ["@remit/source", "node", "import", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "apps/*/src/**/*.test.ts", "apps/*/packs/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "test/restate/**"],
    maxWorkers: 2,
    testTimeout: 30_000,
    env: { NODE_OPTIONS: "--conditions=@remit/source" },
    execArgv: ["--conditions=@remit/source"],
  },
});
