import { defineConfig } from "vitest/config";

/** End to end: one after the other, in one world of real processes. */
export default defineConfig({
  test: {
    include: ["e2e/**/*.e2e.ts"],
    environment: "node",
    fileParallelism: false,
    sequence: { concurrent: false },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globalSetup: "e2e/world.ts",
  },
});
