// The real binary with the demonstration's traffic, and a real browser that looks at it. Whatever a page should not do is
// noted while it is looked at: errors, requests to other hosts, and files that the policy refused.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const BINARY = process.env.TOLLGATE_BIN;
const BROWSER = process.env.TOLLGATE_CHROMIUM ?? "/usr/bin/chromium";
/** The demonstration, made once and copied for each server. */
let made;

/** Starts a server on a port of its own. `stop` ends it. */
export async function startServer() {
  assert.ok(BINARY && existsSync(BINARY), "TOLLGATE_BIN names no binary: run scripts/browser.sh");
  const folder = mkdtempSync(join(tmpdir(), "tollgate-console-"));
  const data = join(folder, "demo");
  if (made) cpSync(made, data, { recursive: true });
  const server = spawn(BINARY, ["demo", "--data-dir", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let complained = "";
  server.stderr.on("data", (chunk) => (complained += chunk));
  const url = await new Promise((found, failed) => {
    server.stdout.on("data", (chunk) => {
      said += chunk;
      const line = /^ {2}(http:\S+#invitation=[0-9a-f]+)$/m.exec(said);
      if (line) found(line[1]);
    });
    server.on("exit", (code) => failed(new Error(`the server ended (${code}): ${complained}`)));
  });
  const key = /API-KEY: ([0-9a-f]+)/.exec(said)[1];
  const integration = /\/g\/([a-z0-9]{10})\/click/.exec(said)[1];
  const stop = async () => {
    server.removeAllListeners("exit");
    const ended = new Promise((done) => server.on("exit", done));
    server.kill("SIGTERM");
    await ended;
    if (!made) made = data;
    else rmSync(folder, { recursive: true, force: true });
  };
  return { url, origin: new URL(url).origin, key, integration, stop };
}

export async function startBrowser() {
  return chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"] });
}

/** A page that notes what it should not do; `assertQuiet` says whether it did any of it. */
export async function watchedPage(context, origin) {
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => message.type() === "error" && !message.text().includes("status of 401") && !message.text().includes("status of 412") && wrong.push(`console: ${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:") wrong.push(`request to ${url.origin}`);
  });
  return { page, wrong, assertQuiet: () => assert.deepEqual(wrong, []) };
}
