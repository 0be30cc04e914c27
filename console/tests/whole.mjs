// The console as a whole: the way in, how large it is, axe on every screen in light and dark, keys, and names of any sort.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import http from "node:http";
import { test } from "node:test";
import { on, there } from "./harness.mjs";
import { SCREENS, objected } from "./screens.mjs";
import { watchedPage } from "./support.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

test("the printed link opens a console full of traffic, once", async () => {
  const context = await there.browser.newContext();
  const { page, assertQuiet } = await watchedPage(context, there.server.origin);
  await page.goto(there.server.url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const clicks = await page.locator(".tile .value").first().textContent();
  assert.ok(Number(clicks.replaceAll(",", "")) > 4000, clicks);
  assert.ok(!page.url().includes("invitation"), "the secret leaves the address");
  await page.getByRole("link", { name: "pub-racks" }).waitFor();
  await page.locator("canvas").first().waitFor();
  assertQuiet();
  const storageState = (there.storageState = await context.storageState());
  assert.deepEqual(storageState.cookies.map((cookie) => [cookie.httpOnly, cookie.sameSite]), [[true, "Lax"]]);
  assert.deepEqual(storageState.origins, [], "nothing is kept in the browser but the cookie");
  await context.close();
  await on(new URL(there.server.url).hash, (page) => page.getByRole("button", { name: "Sign in" }).waitFor(), { storageState: undefined });
});

test("the first load is small", async () => {
  const asked = new Set();
  await on("overview", async (page) => {
    await page.getByText("pub-torrent").waitFor();
    for (const entry of await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name))) asked.add(entry);
  });
  const size = (url) =>
    new Promise((done, failed) => {
      http.get(url, { headers: { "Accept-Encoding": "gzip" } }, (response) => {
        let bytes = 0;
        response.on("data", (chunk) => (bytes += chunk.length)).on("end", () => done(bytes));
      }).on("error", failed);
    });
  const files = [`${there.server.origin}/console/`, ...[...asked].filter((url) => url.includes("/console/"))];
  assert.ok(files.length > 4, `${files}`);
  const sizes = await Promise.all(files.map(size));
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(total > 20_000 && total <= 150_000, `${total} bytes`);
});

for (const screen of SCREENS) {
  test(`${screen.name}: axe finds nothing serious in light and dark`, async () => {
    await on(await screen.path(there.server), async (page) => {
      await screen.ready(page);
      await page.evaluate(AXE);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
        const serious = violations.filter((one) => ["serious", "critical"].includes(one.impact));
        assert.deepEqual(serious.map((one) => [colorScheme, one.id, one.nodes.slice(0, 3).map((node) => node.html)]), []);
      }
    });
  });
}

test("on a narrow screen names have room, and the page is as wide as the screen", async () => {
  await on("apps", async (page) => {
    for (const place of ["apps", "history", "filter-groups", "settings", "settings?part=users", "settings?part=data"]) {
      await page.goto(`${there.server.origin}/console/${place}`);
      const names = page.locator("td.break:not(.mono), summary > strong");
      await names.first().waitFor();
      const widths = await names.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().width));
      assert.ok(Math.min(...widths) >= 140, `${place}: ${widths}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), place);
    }
  }, { viewport: { width: 390, height: 844 } });
});

test("keys alone: screens, rows, search and the list of keys", async () => {
  await on("overview", async (page) => {
    await page.getByText("pub-torrent").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.getByRole("heading", { name: "Explorer" }).waitFor();
    await page.locator("[data-row]").nth(3).waitFor();
    for (const key of ["j", "j", "j", "k"]) await page.keyboard.press(key);
    const focused = await page.evaluate(() => [...document.querySelectorAll("[data-row]")].indexOf(document.activeElement));
    assert.equal(focused, 1);
    await page.keyboard.press("Enter");
    await page.getByText("Timeline").waitFor();
    await page.keyboard.press("Control+k");
    const id = await objected(there.server, "BOT");
    await page.keyboard.type(id);
    await page.keyboard.press("Enter");
    await page.getByText(id).waitFor();
    await page.goBack();
    await page.goBack();
    await page.getByRole("heading", { name: "Explorer" }).waitFor();
  });
});

test("a link that names something else than an object asks for nothing else", async () => {
  for (const screen of ["apps", "block-lists", "filter-groups"]) {
    const asked = [];
    await on(`${screen}/..%2F..%2Fapi%2Fv2%2Fdownload-center%2F${there.server.integration}%2Fclicks`, async (page) => {
      // What is in the place of the object: the list of all of them.
      await page.locator("[data-row]").first().waitFor();
      const requests = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name));
      asked.push(...requests.filter((url) => url.includes("download-center")));
    });
    assert.deepEqual(asked, [], screen);
  }
});

test("an organization without integrations is told the next step", async () => {
  await on("downloads", async (page) => {
    await page.route("**/api/v2/integrations?*", (route) => route.fulfill({ json: { data: [], meta: { links: { next: null, prev: null }, total_count: 0, total_page: 0 } } }));
    for (const place of ["overview", "explorer", "live", "filter-groups"]) {
      await page.goto(`${there.server.origin}/console/${place}`);
      await page.getByText("Nothing sends events yet").waitFor();
    }
    await page.getByRole("link", { name: "Make the first one" }).click();
    await page.getByText("No integrations yet").waitFor();
  });
});
