// What all tests have: a server, a browser, the owner's session, and a page that must do nothing wrong.

import assert from "node:assert/strict";
import { startBrowser, startServer, watchedPage } from "./support.mjs";

/** The server, the browser, and the owner's session, once they are there. */
export const there = {};

/** Starts both. */
export async function begin() {
  there.server = await startServer();
  there.browser = await startBrowser();
}

/** Ends both. */
export async function end() {
  await there.browser?.close();
  await there.server?.stop();
}

/** The owner's session: an invitation works once. */
async function session() {
  if (there.storageState) return there.storageState;
  const context = await there.browser.newContext();
  const { page } = await watchedPage(context, there.server.origin);
  await page.goto(there.server.url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  there.storageState = await context.storageState();
  await context.close();
  return there.storageState;
}

/** Opens a place of the console as the owner, does something there, and finds nothing wrong with the page, `but` what is
 * expected. `origin` is that of another server. */
export const on = async (path, does, options = {}) => {
  const storageState = "storageState" in options ? options.storageState : await session();
  const { but, origin = there.server.origin, ...others } = options;
  const context = await there.browser.newContext({ viewport: { width: 1280, height: 900 }, ...others, storageState });
  const { page, assertQuiet } = await watchedPage(context, origin, but);
  // Waiting ends with the state that is waited for; how long that may take says nothing of the page.
  page.setDefaultTimeout(30_000);
  try {
    await page.goto(`${origin}/console/${path}`);
    await does(page, context);
    assertQuiet();
  } finally {
    await context.close();
  }
};

export const api = async (path, options = {}) => {
  const headers = { "API-KEY": there.server.key, "Content-Type": "application/json" };
  const response = await fetch(there.server.origin + path, { headers, ...options });
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return response.status === 204 ? null : response.json();
};
export const groups = async () => (await api(`/api/v2/integrations/${there.server.integration}/filter-groups`)).data;

/** Asks the API as the user of a page does. */
export const asUser = (page, method, path, body) =>
  page.evaluate(
    async ([verb, url, content]) => {
      const { csrf_token } = await (await fetch("/tollgate/v1/session")).json();
      const headers = { "X-CSRF-Token": csrf_token, "Content-Type": "application/json" };
      const response = await fetch(url, { method: verb, headers, body: content && JSON.stringify(content) });
      if (!response.ok) throw new Error(`${verb} ${url}: ${response.status} ${await response.text()}`);
      return response.status === 204 ? null : response.json();
    },
    [method, path, body],
  );

/** Holds the answers to requests back until what it gives is called. */
export async function hold(page, method, path) {
  let letGo;
  const held = new Promise((done) => (letGo = done));
  await page.route((url) => url.pathname === path, async (route) => {
    if (route.request().method() === method) await held;
    await route.continue();
  });
  return letGo;
}

/** Presses Tab until this has the focus, as somebody without a mouse does. */
export async function tabTo(page, target, most = 150) {
  await target.waitFor();
  for (let pressed = 0; pressed < most; pressed += 1) {
    if (await target.evaluate((one) => one === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${most} times Tab do not lead to ${target}`);
}

/** Goes to something with Tab and presses a key there. */
export async function pressAt(page, target, key = "Enter") {
  await tabTo(page, target);
  await page.keyboard.press(key);
}
