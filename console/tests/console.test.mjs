// The console in a real browser against the real binary: each screen's main flow, with the mouse and with keys alone; axe
// on every screen in light and dark; no error, no request to another host, nothing that the policy had to refuse.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import http from "node:http";
import { after, before, test } from "node:test";
import { SCREENS, objected } from "./screens.mjs";
import { startBrowser, startServer, watchedPage } from "./support.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let server;
let browser;
let storageState;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens a place of the console as the owner, does something there, and finds nothing wrong with the page. */
async function on(path, does, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, storageState, ...options });
  const { page, assertQuiet } = await watchedPage(context, server.origin);
  page.setDefaultTimeout(15_000);
  try {
    await page.goto(`${server.origin}/console/${path}`);
    await does(page, context);
    assertQuiet();
  } finally {
    await context.close();
  }
}

const api = async (path, options = {}) => {
  const headers = { "API-KEY": server.key, "Content-Type": "application/json" };
  const response = await fetch(server.origin + path, { headers, ...options });
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return response.status === 204 ? null : response.json();
};
const groups = async () => (await api(`/api/v2/integrations/${server.integration}/filter-groups`)).data;

test("the printed link opens a console full of traffic, once", async () => {
  const context = await browser.newContext();
  const { page, assertQuiet } = await watchedPage(context, server.origin);
  await page.goto(server.url);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const clicks = await page.locator(".tile .value").first().textContent();
  assert.ok(Number(clicks.replaceAll(",", "")) > 4000, clicks);
  assert.ok(!page.url().includes("invitation"), "the secret leaves the address");
  await page.getByRole("link", { name: "pub-racks" }).waitFor();
  await page.locator("canvas").first().waitFor();
  assertQuiet();
  storageState = await context.storageState();
  assert.deepEqual(storageState.cookies.map((cookie) => [cookie.httpOnly, cookie.sameSite]), [[true, "Lax"]]);
  assert.deepEqual(storageState.origins, [], "nothing is kept in the browser but the cookie");
  await context.close();
  await on(new URL(server.url).hash, (page) => page.getByRole("button", { name: "Sign in" }).waitFor(), { storageState: undefined });
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
  const files = [`${server.origin}/console/`, ...[...asked].filter((url) => url.includes("/console/"))];
  assert.ok(files.length > 4, `${files}`);
  const sizes = await Promise.all(files.map(size));
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(total > 20_000 && total <= 150_000, `${total} bytes`);
});

for (const screen of SCREENS) {
  test(`${screen.name}: axe finds nothing serious in light and dark`, async () => {
    await on(await screen.path(server), async (page) => {
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
    const id = await objected(server, "BOT");
    await page.keyboard.type(id);
    await page.keyboard.press("Enter");
    await page.getByText(id).waitFor();
    await page.goBack();
    await page.goBack();
    await page.getByRole("heading", { name: "Explorer" }).waitFor();
  });
});

test("explorer: a group becomes a filter, a row an event, a view a file", async () => {
  await on("explorer", async (page) => {
    await page.getByLabel("Group by, 1").selectOption("publisher");
    await page.getByRole("link", { name: "pub-racks" }).click();
    assert.match(page.url(), /f=publisher%3Aeq%3Apub-racks/);
    const first = page.locator("a.line").first();
    await first.waitFor();
    assert.match(await first.textContent(), /rejected/);
    await page.reload();
    await page.locator("a.line").first().click();
    await page.getByRole("heading", { name: "Why this filter group" }).waitFor();
    await page.goBack();
    await page.getByRole("button", { name: "Export this view" }).click();
    await page.getByText("✓ Ready").waitFor();
    const row = page.locator("tbody tr").first();
    assert.match(await row.textContent(), /300/);
    const [download] = await Promise.all([page.waitForEvent("download"), row.getByRole("link", { name: "Download" }).click()]);
    assert.match(download.suggestedFilename(), /^click_logs-.*\.csv$/);
    await row.getByRole("button", { name: /Delete/ }).click();
    await page.getByText("No files yet").waitFor();
  });
});

test("event: what was observed, what was allowed and what would have flipped it", async () => {
  await on(`events/${await objected(server, "DUPLICATE_IP")}`, async (page) => {
    const verdict = page.getByRole("region", { name: "Duplicate IP" });
    await verdict.waitFor();
    const text = await verdict.textContent();
    for (const part of ["monitored", "Observed", "Window", "Counted before", "What would have let it pass:"]) assert.ok(text.includes(part), `${part}: ${text}`);
  });
  await on(`events/${await objected(server)}`, async (page) => {
    await page.getByText("ranges/data_center/demo.txt, version").first().waitFor();
  });
});

test("filter groups: order by mouse and by keys, with a way back", async () => {
  const names = async () => (await groups()).filter((one) => one.priority !== null).sort((one, other) => one.priority - other.priority).map((one) => one.name);
  const original = await names();
  await on("filter-groups", async (page) => {
    await page.getByRole("button", { name: `Move ${original[0]} down` }).click();
    await page.getByText("is number 2 now").waitFor();
    assert.equal((await names())[1], original[0]);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone.").waitFor();
    assert.deepEqual(await names(), original);
    await page.getByRole("button", { name: `Move ${original[2]} up` }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("is number 2 now").waitFor();
    assert.equal((await names())[1], original[2]);
    const dragged = page.getByRole("row", { name: new RegExp(original[2]) });
    await dragged.dragTo(page.getByRole("row", { name: new RegExp(original[1]) }));
    await page.getByText("is number 3 now").waitFor();
    assert.deepEqual(await names(), original);
  });
});

test("a filter group that somebody else changed is not overwritten", async () => {
  const group = (await groups()).find((one) => one.name === "Suspected bot farm");
  const path = `/api/v2/integrations/${server.integration}/filter-groups/${group.id}`;
  await on(`filter-groups/${group.id}`, async (page) => {
    await page.getByLabel("Name").fill("Bot farm, mine");
    await api(path, { method: "PATCH", body: JSON.stringify({ description: "Changed by somebody else" }) });
    await page.getByRole("button", { name: "Review 1 change" }).click();
    const dialog = page.getByRole("dialog", { name: "What will be different" });
    assert.match(await dialog.textContent(), /Suspected bot farm.*Bot farm, mine/);
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Somebody else changed this group").waitFor();
    assert.equal((await api(path)).name, "Suspected bot farm", "nothing was stored");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Bot farm, mine was saved.").waitFor();
    const stored = await api(path);
    assert.deepEqual([stored.name, stored.description], ["Bot farm, mine", "Changed by somebody else"]);
    await page.getByLabel("Add a filter").selectOption("click_capping");
    await page.getByText("2. Click capping").click();
    await page.getByRole("button", { name: "Review 1 change" }).waitFor();
  });
});

test("filter groups: a new one is made, written with keys alone, and deleted with a way back", async () => {
  await on("filter-groups", async (page) => {
    await page.getByText("Server traffic").waitFor();
    await page.getByRole("button", { name: "New group" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Name").focus();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("Made with keys");
    await page.getByRole("button", { name: "Review 1 change" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Made with keys was saved.").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("Made with keys was deleted.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone.").waitFor();
    assert.ok((await groups()).some((one) => one.name === "Made with keys"));
  });
});

test("live: an event appears while one looks, and a pause holds still", async () => {
  await on("live", async (page) => {
    await page.locator("[data-row]").first().waitFor();
    const click = (publisher) => fetch(`${server.origin}/g/${server.integration}/click?publisher=${publisher}&offer=o&no_redirect=true`, { headers: { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" } });
    await click("live-one");
    await page.getByRole("cell", { name: "live-one" }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("searchbox").fill("live-one");
    assert.equal(await page.locator("tbody tr").count(), 1);
  });
});

test("prices: pasted, marked where wrong, shown before they are saved, and undone", async () => {
  await on("prices", async (page) => {
    const cell = (row, column) => page.locator(`[data-cell="${row} ${column}"]`);
    await cell(0, 0).waitFor();
    const old = await cell(0, 0).inputValue();
    await cell(0, 0).focus();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData("text/plain", "2.25\t3\nabc\t4.50\n");
      document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    });
    assert.equal(await cell(1, 0).getAttribute("aria-invalid"), "true");
    const review = page.getByRole("button", { name: /Review/ });
    assert.ok(await review.isDisabled());
    await page.getByRole("button", { name: /1 wrong/ }).click();
    await page.locator('[data-cell="1 0"]:focus').waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("5");
    await page.keyboard.press("ArrowDown");
    await review.click();
    const dialog = page.getByRole("dialog");
    assert.match(await dialog.textContent(), /4 prices of 2 ad locations/);
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("4 prices were saved.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone.").waitFor();
    await page.waitForFunction((value) => document.querySelector('[data-cell="0 0"]')?.value === value, old);
  });
});

test("block lists: a box for all of a branch has three states", async () => {
  await on("block-lists/new", async (page) => {
    await page.getByLabel("Title").fill("No <b>sports</b>");
    const all = page.getByLabel("All of Sports");
    await all.check();
    await page.getByPlaceholder("Find a category").fill("golf");
    await page.getByLabel(/^Golf/).uncheck();
    assert.ok(await all.evaluate((box) => box.indeterminate));
    await page.getByRole("button", { name: "Review" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("No app uses it.").waitFor();
    await page.getByRole("link", { name: /No <b>sports<\/b>/ }).waitFor();
  });
});

test("apps: test mode is turned on with its time and off again", async () => {
  await on("apps", async (page) => {
    await page.getByRole("link", { name: "Word Garden" }).click();
    await page.getByRole("button", { name: "On for 2 h" }).click();
    await page.getByText("120 minutes").waitFor();
    await page.getByRole("button", { name: "Turn off" }).click();
    await page.getByText("It gets real ads.").waitFor();
  });
});

test("history: a change is told by field and taken back", async () => {
  await on("history?kind=app", async (page) => {
    const entry = page.locator("details").filter({ hasText: "Night Racer" }).first();
    await entry.locator("summary").focus();
    await page.keyboard.press("Enter");
    await entry.getByRole("link", { name: "Its whole history" }).click();
    await page.getByText(/^only [0-9a-f]{24}$/).waitFor();
    await page.getByRole("button", { name: /Restore version/ }).first().click();
    await page.getByText(/is as it was at version|cannot|nothing/i).first().waitFor();
  });
});

test("users: a password is shown once, and an analyst reads only; a session that ends loses nothing", async () => {
  const name = "long-".repeat(20);
  let password;
  await on("settings?part=users", async (page) => {
    for (const role of ["analyst", "manager"]) {
      await page.getByLabel("Email of a new user").fill(`${role}@example.com`);
      await page.getByLabel("Role of the new user").selectOption(role);
      await page.getByRole("button", { name: "Add user" }).click();
      const secret = page.locator(".secret").filter({ hasText: `${role}@example.com` });
      password = { ...password, [role]: await secret.locator("code").textContent() };
      await page.getByRole("button", { name: "I have it" }).click();
    }
  });
  const signIn = async (page, role) => {
    if (await page.getByLabel("Email").isEditable()) await page.getByLabel("Email").fill(`${role}@example.com`);
    await page.getByLabel("Password").fill(password[role]);
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  await on("filter-groups", async (page) => {
    await signIn(page, "analyst");
    assert.ok(await page.getByRole("button", { name: "New group" }).isDisabled());
  }, { storageState: undefined });
  const group = (await groups()).find((one) => one.priority === null);
  await on(`filter-groups/${group.id}`, async (page, context) => {
    await signIn(page, "manager");
    await page.getByLabel("Description").fill(name);
    await context.clearCookies();
    await page.getByRole("button", { name: "Review 1 change" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("Your session has ended").waitFor();
    await signIn(page, "manager");
    await page.getByText("was saved.").waitFor();
  }, { storageState: undefined });
  assert.equal((await groups()).find((one) => one.id === group.id).description, name);
});

test("a link that names something else than an object asks for nothing else", async () => {
  for (const screen of ["apps", "block-lists", "filter-groups"]) {
    const asked = [];
    await on(`${screen}/..%2F..%2Fapi%2Fv2%2Fdownload-center%2F${server.integration}%2Fclicks`, async (page) => {
      await page.getByRole("navigation").first().waitFor();
      await page.waitForLoadState("networkidle");
      const requests = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name));
      asked.push(...requests.filter((url) => url.includes("download-center")));
    });
    assert.deepEqual(asked, [], screen);
  }
});

test("names with markup are names", async () => {
  const name = '<img src=x onerror="document.title=1">';
  await api("/api/v2/integrations", { method: "POST", body: JSON.stringify({ name }) });
  await on("settings", async (page) => {
    await page.getByRole("link", { name }).click();
    await page.getByText("Waiting for the first event").waitFor();
    assert.equal(await page.locator("img[src=x]").count(), 0);
  });
});

test("an organization without integrations is told the next step", async () => {
  await on("downloads", async (page) => {
    await page.route("**/api/v2/integrations?*", (route) => route.fulfill({ json: { data: [], meta: { links: { next: null, prev: null }, total_count: 0, total_page: 0 } } }));
    for (const place of ["overview", "explorer", "live", "filter-groups"]) {
      await page.goto(`${server.origin}/console/${place}`);
      await page.getByText("Nothing sends events yet").waitFor();
    }
    await page.getByRole("link", { name: "Make the first one" }).click();
    await page.getByText("No integrations yet").waitFor();
  });
});

test("a server that is gone for a while is waited for", async () => {
  const context = await browser.newContext({ storageState });
  const page = await context.newPage();
  await page.goto(`${server.origin}/console/downloads`);
  await page.getByRole("heading", { name: "Downloads" }).waitFor();
  await page.getByText("No files yet").waitFor();
  await context.setOffline(true);
  await page.getByRole("link", { name: "History" }).click().catch(() => {});
  await page.getByText("The server does not answer").or(page.getByText("could not be loaded")).first().waitFor();
  await context.setOffline(false);
  await context.close();
});
