// A real Chromium loads pages that carry the collector, and tells what it kept. Arguments: the browser, a folder for its
// profile, the origin of the pages, the same by a name that is no secure context, the collector's source. Prints JSON.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { parse } from "acorn";
import { chromium } from "playwright-core";

const [browser, profile, pages, insecure, source] = process.argv.slice(2);

// Nothing newer than ES2017: acorn refuses it.
parse(await readFile(source, "utf8"), { ecmaVersion: 2017, sourceType: "script" });

const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const context = await chromium.launchPersistentContext(profile, {
  executablePath: browser,
  headless: true,
  chromiumSandbox: false,
  args: [
    ...quiet,
    "--disable-component-update",
    "--disable-sync",
    `--host-resolver-rules=MAP ${new URL(insecure).hostname} 127.0.0.1`,
  ],
});

/** What a page that was visited is left with. */
async function visit(url, { sends = true, init, act } = {}) {
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    // The gateway's own answers have no icon, and a browser asks for one.
    const icon = message.location().url.endsWith("/favicon.ico");
    if (message.type() === "error" && !icon) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  if (init) await page.addInitScript(init);
  const sent = sends ? page.waitForResponse((answer) => answer.url().endsWith("/impression")) : undefined;
  await page.goto(url);
  const status = sends ? (await sent).status() : undefined;
  const done = act ? await act(page) : undefined;
  const left = await page.evaluate(() => ({
    stored: Object.keys(localStorage).map((name) => localStorage[name]),
    session: sessionStorage.length,
    secure: isSecureContext,
  }));
  const cookies = (await context.cookies()).map((cookie) => cookie.value);
  await page.close();
  return { ...left, cookies, complaints, status, done };
}

/** Follows a link, comes back, and tells where it led. */
async function follow(page, id) {
  const asked = page.waitForRequest((request) => request.url().includes("/click?"));
  await page.click(`#${id}`);
  const url = (await asked).url();
  await page.waitForLoadState();
  await page.goBack();
  return url;
}

const told = {};
told.first = await visit(`${pages}/plain?secret=1#here`);
told.second = await visit(`${pages}/plain`);
told.insecure = await visit(`${insecure}/plain`);
told.insecureAgain = await visit(`${insecure}/plain`);
told.opposed = await visit(`${pages}/consent`, {
  init: () => Object.defineProperty(navigator, "globalPrivacyControl", { get: () => true }),
});
told.asked = await visit(`${pages}/consent`, {
  init: () => Object.defineProperty(navigator, "doNotTrack", { get: () => "1" }),
});
told.links = await visit(`${pages}/links`, {
  sends: false,
  act: async (page) => {
    await page.waitForTimeout(500);
    return [await follow(page, "marked"), await follow(page, "signed"), await follow(page, "unmarked")];
  },
});
told.consented = await visit(`${pages}/consent`);
told.remembered = await visit(`${pages}/consent`);
told.withdrawn = await visit(`${pages}/links?stay`, {
  sends: false,
  act: async (page) => {
    const kept = () => page.evaluate(() => localStorage.length);
    const hrefs = [];
    const look = async () => {
      await page.click("#marked");
      hrefs.push(await page.getAttribute("#marked", "href"));
    };
    await page.evaluate(() => document.addEventListener("click", (event) => event.preventDefault()));
    await page.waitForTimeout(500);
    await look();
    await page.evaluate(() => window.tollgate.consent(true));
    const during = await kept();
    await look();
    await page.evaluate(() => window.tollgate.consent(false));
    await look();
    return { during, hrefs };
  },
});
told.cookie = await visit(`${pages}/consent`, {
  init: () => {
    Storage.prototype.setItem = () => {
      throw new Error("full");
    };
  },
  act: (page) => page.evaluate(() => document.cookie),
});
told.forgotten = await visit(`${pages}/plain`, { act: (page) => page.evaluate(() => window.tollgate.consent(false)) });
await context.close();
assert.equal(told.first.secure, true);
console.log(JSON.stringify(told));
