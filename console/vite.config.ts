// The page is served below /console/, with a policy that allows nothing inline: assets stay files of their own.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  plugins: [svelte()],
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: Object.fromEntries(["/api", "/v5", "/tollgate"].map((path) => [path, "http://127.0.0.1:8080"])) },
});
