// What goes wrong between the page and the server, or is not there at all, and how the page comes out of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, groups, hold, on, there } from "./harness.mjs";
import { startEmpty } from "./support.mjs";

/** What a browser itself writes to its console while there is no server. */
const NO_SERVER = /ERR_CONNECTION_|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK/;
const BANNER = "The server does not answer. This page goes on by itself";

test("a server that dies while a form is open comes back, and what was typed is stored", async () => {
  const group = (await groups()).find((one) => one.name === "Server traffic");
  await on(`filter-groups/${group.id}`, async (page) => {
    await page.getByLabel("Description").fill("Typed before the server died");
    await page.getByRole("button", { name: "Review 1 change" }).click();
    await there.server.kill();
    const save = page.getByRole("dialog").getByRole("button", { name: "Save" });
    await save.click();
    await page.getByText("Nothing of this page is lost: try again").waitFor();
    await page.getByText(BANNER).waitFor();
    await there.server.again();
    await page.getByText(BANNER).waitFor({ state: "detached" });
    await save.click();
    await page.getByText("Server traffic was saved.").waitFor();
  }, { but: NO_SERVER });
  assert.equal((await groups()).find((one) => one.id === group.id).description, "Typed before the server died");
});

test("screens that one goes to while the server is away are there when it is back", async () => {
  await on("downloads", async (page) => {
    await page.getByText("No files yet").waitFor();
    await there.server.kill();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByText(BANNER).waitFor();
    await there.server.again();
    await page.getByText(BANNER).waitFor({ state: "detached" });
    await page.locator("[data-row]").first().waitFor();
    await page.getByRole("heading", { name: "History" }).waitFor();
  }, { but: NO_SERVER });
});

test("a page that is opened before the server is there waits for it", async () => {
  await on("history", async (page) => {
    await page.locator("[data-row]").first().waitFor();
    await page.route("**/tollgate/v1/session", (route) => route.abort("connectionrefused"));
    await page.goto(`${there.server.origin}/console/history`);
    await page.getByText(BANNER).waitFor();
    await page.unroute("**/tollgate/v1/session");
    await page.locator("[data-row]").first().waitFor();
  }, { but: NO_SERVER });
});

test("live goes on when the server is back", async () => {
  await on("live", async (page) => {
    await page.locator("[data-row]").first().waitFor();
    await there.server.kill();
    await page.getByText(BANNER).waitFor();
    await there.server.again();
    await page.getByText(BANNER).waitFor({ state: "detached" });
    await fetch(`${there.server.origin}/g/${there.server.integration}/click?publisher=after-all&offer=o&no_redirect=true`, { headers: { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" } });
    await page.getByRole("cell", { name: "after-all" }).waitFor();
  }, { but: NO_SERVER });
});

test("on a slow network the answer to the last question is shown, whichever comes last", async () => {
  await on("explorer?g=publisher", async (page) => {
    await page.locator("[data-row]").first().waitFor();
    let letGo;
    const held = new Promise((done) => (letGo = done));
    const answered = [];
    await page.route("**/api/v2/reports/v2/grouped?*", async (route) => {
      const by = new URL(route.request().url()).searchParams.get("group_by");
      if (by === "publisher,country") await held;
      // What the page does not wait for any more cannot be answered.
      await route.continue().then(() => answered.push(by), () => answered.push(by));
    });
    await page.getByLabel("Group by, 2").selectOption("country");
    await page.locator(".busy").waitFor();
    await page.getByLabel("Group by, 2").selectOption("offer_id");
    await page.getByRole("columnheader", { name: "Offer ID" }).waitFor();
    await page.locator(".busy").waitFor({ state: "detached" });
    const shown = await page.locator("tbody").textContent();
    letGo();
    while (!answered.includes("publisher,country")) await page.evaluate(() => new Promise(requestAnimationFrame));
    assert.equal(await page.locator("tbody").textContent(), shown);
  });
});

test("while an answer is awaited the page says so, and keeps what it had", async () => {
  await on("downloads", async (page) => {
    await page.getByText("No files yet").waitFor();
    const letGo = await hold(page, "GET", "/tollgate/v1/audit-log");
    await page.getByRole("link", { name: "History" }).click();
    await page.getByRole("status", { name: "Loading" }).waitFor();
    letGo();
    await page.locator("[data-row]").first().waitFor();
  });
});

test("very long names break, they do not push the page aside", async () => {
  const long = "Name".repeat(63);
  const { created_item_id: id } = await api("/api/v2/integrations", { method: "POST", body: JSON.stringify({ name: long }) });
  const organization = (await groups())[0].organization;
  await api(`/api/v2/integrations/${id}/filter-groups`, { method: "POST", body: JSON.stringify({ name: long, description: long, integration: id, organization, priority: 1, filters: [] }) });
  const made = (await api(`/api/v2/integrations/${id}/filter-groups`)).data.find((one) => one.name === long);
  const places = ["settings", "overview", "filter-groups", `filter-groups/${made.id}`, "history", "explorer"];
  const pushed = [];
  for (const width of [1280, 390]) {
    await on("settings", async (page) => {
      for (const place of places) {
        await page.goto(`${there.server.origin}/console/${place}?integration=${id}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.locator(".wait").first().waitFor({ state: "detached" });
        const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        if (wide > room) pushed.push(`${place} at ${width}: ${wide}`);
      }
    }, { viewport: { width, height: 800 } });
  }
  assert.deepEqual(pushed, []);
});

test("an organization that has nothing yet is told the next step everywhere, and what data is missing", async () => {
  const empty = await startEmpty();
  try {
    await on("overview", async (page) => {
      await page.getByLabel("Email").fill(empty.admin.email);
      await page.getByLabel("Password").fill(empty.admin.password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("No events in these days").waitFor();
      const places = {
        live: "No events since yesterday",
        explorer: "No clicks match",
        apps: "No apps yet",
        prices: "No ad locations have prices yet",
        campaigns: "No campaigns yet",
        "block-lists": "Choose a list",
        downloads: "No files yet",
        "settings?part=integrations": "Waiting for the first event",
        "settings?part=postbacks": "No postbacks",
        "settings?part=data": "Only the built-in rules are there",
      };
      for (const [place, text] of Object.entries(places)) {
        await page.goto(`${empty.origin}/console/${place}`);
        await page.getByText(text).first().waitFor();
      }
    }, { storageState: undefined, origin: empty.origin });
  } finally {
    await empty.stop();
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
