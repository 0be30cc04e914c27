// The real binary with the demonstration's traffic, and a real browser that looks at it. Whatever a page should not do is
// noted while it is looked at: errors, requests to other hosts, and files that the policy refused.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const BINARY = process.env.TOLLGATE_BIN;
const BROWSER = process.env.TOLLGATE_CHROMIUM ?? "/usr/bin/chromium";
/** How many times slower the pages' machine is to look than it is: a test must not depend on it. */
const SLOWDOWN = Number(process.env.TOLLGATE_SLOWDOWN ?? 1);
/** The demonstration, made once and copied for each server. */
let made;

/** Folders of this run, which end with it. */
const folders = new Set();
process.on("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Makes a folder that is there until the process ends. */
function temporary(name) {
  const folder = mkdtempSync(join(tmpdir(), name));
  folders.add(folder);
  return folder;
}

/** Runs the binary until it prints what is waited for; answers the process and what was found. */
async function run(args, awaited) {
  assert.ok(BINARY && existsSync(BINARY), "TOLLGATE_BIN names no binary: run scripts/browser.sh");
  const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let complained = "";
  child.stderr.on("data", (chunk) => (complained += chunk));
  const found = await new Promise((done, failed) => {
    child.stdout.on("data", (chunk) => {
      said += chunk;
      const line = awaited.exec(said);
      if (line) done(line[1]);
    });
    child.on("exit", (code) => failed(new Error(`the server ended (${code}): ${complained}`)));
  });
  child.removeAllListeners("exit");
  return { child, found, said };
}

/** Ends a process and waits until it is gone. */
async function ended(child, signal) {
  const gone = new Promise((done) => child.on("exit", done));
  child.kill(signal);
  await gone;
}

/** Starts a server with the demonstration on a port of its own. `kill` and `again` end it as a crash does and start it on
 * the same port; `stop` ends it. */
export async function startServer() {
  const folder = temporary("tollgate-console-");
  const data = join(folder, "demo");
  if (made) cpSync(made, data, { recursive: true });
  const start = (listen) => run(["demo", "--data-dir", data, "--listen", listen, "--admin-listen", "127.0.0.1:0"], /^ {2}(http:\S+#invitation=[0-9a-f]+)$/m);
  let now = await start("127.0.0.1:0");
  const { origin, host } = new URL(now.found);
  const key = /API-KEY: ([0-9a-f]+)/.exec(now.said)[1];
  const integration = /\/g\/([a-z0-9]{10})\/click/.exec(now.said)[1];
  const kill = () => ended(now.child, "SIGKILL");
  const again = async () => (now = await start(host));
  const stop = async () => {
    await ended(now.child, "SIGTERM");
    if (!made) made = data;
    else rmSync(folder, { recursive: true, force: true });
  };
  return { url: now.found, origin, key, integration, kill, again, stop };
}

/** Starts a server for an organization that has nothing but its administrator. */
export async function startEmpty() {
  const folder = temporary("tollgate-empty-");
  const data = join(folder, "data");
  const admin = JSON.parse(execFileSync(BINARY, ["init", "--data-dir", data, "--json"], { encoding: "utf8" }));
  const { child, found } = await run(["serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], /listening on (http:\S+)/);
  const stop = async () => {
    await ended(child, "SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  return { origin: found, admin: admin.admin, integration: admin.integration_id, key: admin.api_key, stop };
}

export async function startBrowser() {
  return chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"] });
}

/** A page that notes what it should not do; `assertQuiet` says whether it did any of it. */
export async function watchedPage(context, origin, but = /^$/) {
  const page = await context.newPage();
  if (SLOWDOWN > 1) await (await context.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
  const wrong = [];
  page.on("console", (message) => message.type() === "error" && !message.text().includes("status of 401") && !message.text().includes("status of 412") && !but.test(message.text()) && wrong.push(`console: ${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:") wrong.push(`request to ${url.origin}`);
  });
  return { page, wrong, assertQuiet: () => assert.deepEqual(wrong, []) };
}
