// The screens that show events: what leads where, what an event says of itself, and what comes while one looks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asUser, on, there } from "./harness.mjs";
import { objected } from "./screens.mjs";

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
  await on(`events/${await objected(there.server, "DUPLICATE_IP")}`, async (page) => {
    const verdict = page.getByRole("region", { name: "Duplicate IP" });
    await verdict.waitFor();
    const text = await verdict.textContent();
    for (const part of ["monitored", "Observed", "Window", "Counted before", "What would have let it pass:"]) assert.ok(text.includes(part), `${part}: ${text}`);
  });
  await on(`events/${await objected(there.server)}`, async (page) => {
    await page.getByText("ranges/data_center/demo.txt, version").first().waitFor();
  });
});

test("live: an event appears while one looks, and a pause holds still", async () => {
  await on("live", async (page) => {
    await page.locator("[data-row]").first().waitFor();
    const click = (publisher) => fetch(`${there.server.origin}/g/${there.server.integration}/click?publisher=${publisher}&offer=o&no_redirect=true`, { headers: { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" } });
    await click("live-one");
    await page.getByRole("cell", { name: "live-one" }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("searchbox").fill("live-");
    assert.equal(await page.locator("tbody tr").count(), 1);
    await click("live-two");
    await click("live-three");
    await page.getByRole("button", { name: "Go on" }).click();
    // What came meanwhile is told, and only once.
    for (const name of ["live-two", "live-three"]) await page.getByRole("cell", { name }).waitFor();
    assert.equal(await page.locator("tbody tr").count(), 3);
  });
});

test("live: a conversion that is rejected later is told, and shown as it is now", async () => {
  const gateway = `${there.server.origin}/g/${there.server.integration}`;
  const ask = async (path) => (await fetch(`${gateway}/${path}`, { headers: { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" } })).json();
  const click = await ask("click?publisher=live-late&offer=o&no_redirect=true");
  const conversion = await ask(`postback?transaction_id=${click.transaction_id}`);
  await on("live", async (page) => {
    await page.getByRole("searchbox").fill("live-late");
    const rows = page.locator("tbody tr");
    await rows.nth(1).waitFor();
    // The feed is open once it tells what comes.
    await ask("click?publisher=live-late&offer=o&no_redirect=true");
    await rows.nth(2).waitFor();
    await fetch(`${gateway}/rejection?transaction_id=${conversion.transaction_id}&new_rejected_reason=CHARGEBACK`, { headers: { "API-KEY": there.server.key } });
    await rows.nth(3).waitFor();
    const late = rows.filter({ hasText: "later" });
    assert.match(await late.textContent(), /Conversion.*rejected.*Chargeback.*live-late/s);
    assert.equal(await rows.filter({ hasText: "Chargeback" }).count(), 2, "the conversion itself is shown as it is now");
    await late.getByRole("link").click();
    await page.getByText(/(Late rejection|Rejected for another reason): Chargeback/).waitFor();
  });
});

test("overview: other days with the mouse, and a reason leads to its events", async () => {
  await on("overview", async (page) => {
    await page.getByText("pub-torrent").waitFor();
    await page.getByRole("button", { name: "3 days" }).click();
    await page.getByText("Clicks by verdict, hourly").waitFor();
    await page.getByLabel("Compare").uncheck();
    await page.waitForURL(/compare=no/);
    await page.getByRole("region", { name: "Top reasons" }).locator("[data-row]").first().click();
    await page.getByRole("heading", { name: "Explorer" }).waitFor();
    assert.match(page.url(), /f=rejection%3Aeq%3A/);
    await page.locator("a.line").first().waitFor();
  });
});

/** Asks for so many reports in the background, which are made one after the other. */
const askReports = (page, count) => {
  const days = [-3, 0].map((day) => new Date(Date.now() + day * 86_400_000).toISOString().slice(0, 10));
  return Promise.all(Array.from({ length: count }, () => asUser(page, "GET", `/v5/analytics/campaign?dateMin=${days[0]}&dateMax=${days[1]}&groupBy=date`)));
};

test("downloads: a report that is made in the background is told, and its result fetched", async () => {
  await on("downloads", async (page) => {
    const card = page.getByRole("region", { name: "Reports with amounts of money" });
    await card.getByText("None are kept").waitFor();
    await askReports(page, 1);
    await page.reload();
    await card.getByText("✓ Ready").waitFor();
    const download = page.waitForEvent("download");
    await card.getByRole("button", { name: "Download" }).click();
    assert.match((await download).suggestedFilename(), /^campaign-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/);
  });
});

/** Opens Downloads while the newest report waits, and does something about it: on a fast machine it may be made before. */
async function withWaiting(page, does) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await askReports(page, 20);
    await page.reload();
    const card = page.getByRole("region", { name: "Reports with amounts of money" });
    await card.locator("tbody tr").first().waitFor();
    const cancel = card.getByRole("button", { name: "Cancel" }).first();
    const isDone = await does(cancel).then(() => true, () => false);
    if (!isDone) continue;
    const note = page.getByText(/The report is not made any further|come to an end already/);
    await note.first().waitFor();
    if (/not made any further/.test(await note.first().textContent())) return card;
  }
  return assert.fail("no report waits long enough");
}

/** A report that is made meanwhile has no such button any more. */
const SOON = { timeout: 2_000 };
for (const [how, does] of [["with the mouse", (button) => button.click(SOON)], ["with keys alone", (button) => button.press("Enter", SOON)]]) {
  test(`downloads: a report is canceled and tried again, ${how}`, async () => {
    await on("downloads", async (page) => {
      const card = await withWaiting(page, does);
      const canceled = card.getByRole("row", { name: /Canceled/ });
      await canceled.waitFor();
      await does(canceled.getByRole("button", { name: "Try again" }));
      await page.getByText("It is tried again.").waitFor();
      await canceled.waitFor({ state: "detached" });
      await card.getByRole("button", { name: "Cancel" }).first().waitFor({ state: "detached" });
      assert.equal(await card.getByRole("button", { name: "Try again" }).count(), 0, "all of them are made");
    }, { but: /status of 409/ });
  });
}

test("downloads: who reads only sees reports and neither cancels nor tries again", async () => {
  const email = "reports@example.com";
  let password;
  await on("downloads", async (page) => {
    password = (await asUser(page, "POST", "/tollgate/v1/users", { email, role: "analyst" })).password;
  });
  await on("downloads", async (page) => {
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Downloads" }).waitFor();
    await page.route("**/tollgate/v1/analytics-jobs", async (route) => {
      const response = await route.fetch();
      const { items } = await response.json();
      await route.fulfill({ json: { items: ["waiting", "failed", "canceled"].map((status) => ({ ...items[0], id: status, status })) } });
    });
    await page.reload();
    const card = page.getByRole("region", { name: "Reports with amounts of money" });
    await card.getByText("– Canceled").waitFor();
    assert.equal(await card.getByRole("button").count(), 0);
  }, { storageState: undefined });
});
