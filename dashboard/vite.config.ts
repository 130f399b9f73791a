import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Writes a `.gz` beside each text file. The API embeds both, and compresses nothing itself. */
function zipped(): Plugin {
  return {
    name: "zipped",
    apply: "build",
    async writeBundle({ dir = "dist" }) {
      for (const entry of await readdir(dir, { recursive: true })) {
        if (!/\.(js|css|html|svg)$/.test(entry)) continue;
        const text = await readFile(join(dir, entry));
        await writeFile(join(dir, `${entry}.gz`), gzipSync(text, { level: 9 }));
      }
    },
  };
}

// Keeps the Host header of this server: the API refuses calls from other origins.
const api = { target: process.env["PEDIDOS_URL"] ?? "http://127.0.0.1:3000", changeOrigin: false };

export default defineConfig({
  plugins: [react(), tailwind(), zipped()],
  // The content security policy permits no inline styles or scripts.
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/pedidos": api } },
  preview: { proxy: { "/pedidos": api } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
