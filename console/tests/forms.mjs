// Forms that are drawn from schemas: settings of apps, conditions within conditions, postbacks, and the largest grid of prices.

import assert from "node:assert/strict";
import { test } from "node:test";
import { COUNTRIES, LOCATIONS, cells, makeLocations, paste, priceOf, stored } from "./grid.mjs";
import { api, asUser, groups, on, there } from "./harness.mjs";

const inDialog = (page, name) => page.getByRole("dialog").getByRole("button", { name, exact: true });

test("apps: what ads may be is changed, shown before it is stored, and laid upon what somebody else changed", async () => {
  await on("apps", async (page) => {
    await page.getByRole("link", { name: "Word Garden" }).click();
    await page.waitForURL(/apps\/[0-9a-f]{24}/);
    const path = `/v5/apps/${new URL(page.url()).pathname.split("/").at(-1)}/monetization_settings`;
    const before = await asUser(page, "GET", path);
    const [muted, timer] = [!before.ad_experience_settings.template_settings.default_muted, before.ad_experience_settings.template_settings.show_button_timer === 45 ? "30" : "45"];
    await page.getByLabel("Starts without sound").setChecked(muted);
    await page.getByLabel("Blocked advertisers").fill("com.example.mine");
    await page.getByRole("button", { name: "Review 2 changes" }).click();
    await asUser(page, "PATCH", path, { ad_blocking_settings: { blocked_advertiser_store_ids: ["com.example.theirs"] }, ad_experience_settings: { template_settings: { show_button_timer: Number(timer) } } });
    const dialog = page.getByRole("dialog", { name: "What will be different" });
    await inDialog(page, "Save").click();
    await dialog.getByText("Somebody else changed this app’s settings").waitFor();
    assert.match(await dialog.textContent(), /com\.example\.theirs/);
    await inDialog(page, "Save").click();
    await page.getByText("What its ads may be was saved.").waitFor();
    const after = await asUser(page, "GET", path);
    assert.deepEqual(after.ad_blocking_settings.blocked_advertiser_store_ids.toSorted(), ["com.example.mine", "com.example.theirs"]);
    assert.deepEqual([after.ad_experience_settings.template_settings.default_muted, after.ad_experience_settings.template_settings.show_button_timer], [muted, Number(timer)]);
    await page.getByLabel("Limited").last().check();
    await page.getByLabel("From", { exact: true }).fill("not a version");
    await page.getByRole("button", { name: /^Review/ }).click();
    await inDialog(page, "Save").click();
    await page.locator('[aria-invalid="true"]').waitFor();
    assert.equal(await page.getByLabel("From", { exact: true }).inputValue(), "not a version", "what was typed stays");
  }, { but: /status of 4\d\d/ });
});

test("what is typed into lists, numbers and prices can be reviewed before the field is left, and stays as it is typed", async () => {
  const review = (page, count) => page.getByRole("button", { name: `Review ${count} change${count === 1 ? "" : "s"}` }).waitFor();
  await on("settings?part=postbacks&postback=new", async (page) => {
    const [publishers, delay] = [page.getByLabel("Publishers"), page.getByLabel("Seconds until it is sent")];
    await publishers.pressSequentially("pub-1\n\npub-2\n");
    await review(page, 1);
    assert.equal(await publishers.inputValue(), "pub-1\n\npub-2\n");
    await delay.focus();
    assert.equal(await publishers.inputValue(), "pub-1\npub-2");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("5");
    await review(page, 2);
    await page.keyboard.type("e");
    await page.getByText("This is no number yet").waitFor();
    await page.keyboard.type("1");
    await page.getByText("This is no number yet").waitFor({ state: "detached" });
    await publishers.fill("");
    assert.equal(await delay.inputValue(), "50");
    await review(page, 1);
  });
  await on("filter-groups", async (page) => {
    await page.getByRole("link", { name: "Server traffic" }).click();
    const offers = page.getByLabel("Offers");
    await offers.focus();
    await page.keyboard.type("offer-x");
    await review(page, 1);
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await review(page, 0);
  });
  await on("prices", async (page) => {
    const cell = page.locator('[data-cell="0 0"]');
    await cell.waitFor();
    const old = await cell.inputValue();
    await cell.focus();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("9.87");
    await review(page, 1);
    await cell.fill(old);
    await page.getByRole("button", { name: /^Review/, disabled: true }).waitFor();
  });
});

test("filter groups: conditions within conditions are a form", async () => {
  await on("filter-groups", async (page) => {
    await page.getByRole("button", { name: "New group" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Conditions");
    await page.getByLabel("Add a filter").selectOption("custom");
    await page.getByText(/^1\. Custom/).click();
    await page.getByRole("button", { name: "Add a condition" }).click();
    const outer = page.getByRole("group", { name: "All of these hold" });
    const comparison = (within, at) => within.getByRole("group", { name: "Comparison" }).nth(at);
    await comparison(outer, 0).getByLabel("Value").fill("DE");
    await outer.getByRole("button", { name: "Add a group" }).click();
    const inner = outer.getByRole("group", { name: "Any of these holds" });
    await comparison(inner, 0).getByLabel("Field", { exact: true }).selectOption("publisher");
    await comparison(inner, 0).getByLabel("Operator").selectOption("in");
    await comparison(inner, 0).getByLabel("Values, one on a line").fill("pub-a\npub-b");
    await inner.getByRole("button", { name: "Add a comparison" }).click();
    await comparison(inner, 1).getByLabel("Field", { exact: true }).selectOption("sub_id");
    await comparison(inner, 1).getByLabel("With what").selectOption("other_field");
    await comparison(inner, 1).getByLabel("Other field").selectOption("publisher");
    await page.getByRole("button", { name: /^Review/ }).click();
    await inDialog(page, "Save").click();
    await page.getByText("Conditions was saved.").waitFor();
  });
  const made = (await groups()).find((one) => one.name === "Conditions");
  const when = { all: [{ field: "country", op: "eq", value: "DE" }, { any: [{ field: "publisher", op: "in", value: ["pub-a", "pub-b"] }, { field: "sub_id", op: "eq", other_field: "publisher" }] }] };
  assert.deepEqual(made.filters.map((one) => [one.type, one.params.when]), [["custom", when]]);
  await on(`filter-groups/${made.id}`, async (page) => {
    await page.getByText(/^1\. Custom/).click();
    await page.getByRole("group", { name: "Any of these holds" }).getByRole("button", { name: "Remove the comparison" }).first().click();
    await page.getByLabel("What must hold").last().selectOption("not");
    await page.getByRole("button", { name: /^Review/ }).click();
    await inDialog(page, "Save").click();
    await page.getByText("Conditions was saved.").waitFor();
  });
  const after = (await groups()).find((one) => one.name === "Conditions");
  assert.deepEqual(after.filters[0].params.when, { all: [when.all[0], { not: { field: "sub_id", op: "eq", other_field: "publisher" } }] });
  await api(`/api/v2/integrations/${there.server.integration}/filter-groups/${made.id}`, { method: "DELETE" });
});

test("postbacks: one is made, told what is wrong with it, tried and switched off", async () => {
  await on("settings?part=postbacks", async (page) => {
    await page.getByRole("link", { name: "New postback" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Tracker");
    await page.getByLabel("URL").fill("no address");
    const store = async () => {
      await page.getByRole("button", { name: /^Review/ }).click();
      await inDialog(page, "Save").click();
    };
    await store();
    await page.locator('[aria-invalid="true"]').waitFor();
    await page.getByLabel("URL").fill("https://tracker.invalid/postback?id={transaction_id}");
    await store();
    await page.getByText("Tracker was made.").waitFor();
    await page.getByRole("link", { name: "Tracker" }).waitFor();
    await page.getByRole("button", { name: "Send a test" }).click();
    await page.getByText("✕ no answer").waitFor();
    await page.getByLabel("Active").uncheck();
    await store();
    await page.getByText("Tracker was saved.").waitFor();
    await page.getByText("○ off").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("Tracker was deleted.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone.").waitFor();
    await page.getByRole("link", { name: "Tracker" }).waitFor();
    await page.getByText("No deliveries").waitFor();
  }, { but: /status of 4\d\d/ });
});

test("campaigns: one that pays for clicks by country, and is told when it does not say how much", async () => {
  await on("campaigns", async (page) => {
    await page.getByRole("link", { name: "New campaign" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Pays for clicks");
    await page.getByLabel("App that it promotes").selectOption("Word Garden");
    await page.getByLabel("Paid for each").selectOption("click");
    const store = async () => {
      await page.getByRole("button", { name: /^Review/ }).click();
      await inDialog(page, "Save").click();
    };
    await store();
    await page.getByText("✕").first().waitFor();
    const bids = page.getByRole("group", { name: "Bids" });
    for (const [at, country, price] of [[0, "Germany", "0.5"], [1, "Everywhere else", "0.25"]]) {
      await bids.getByRole("button", { name: "Add to bids" }).click();
      await bids.getByLabel("Country").nth(at).selectOption(country);
      await bids.getByLabel("Dollars").nth(at).fill(price);
    }
    await store();
    await page.getByText("Pays for clicks was made.").waitFor();
    const [made] = (await api("/tollgate/v1/campaigns?limit=1000")).items.filter((one) => one.name === "Pays for clicks");
    assert.deepEqual([made.billing, made.bids], ["cpc", [{ country: "DE", price: 0.5 }, { country: "default", price: 0.25 }]]);
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByText("Pays for clicks was deleted.").waitFor();
  }, { but: /status of 4\d\d/ });
});

test("history: an object as it was at any time, and what is different since", async () => {
  const group = (await groups()).find((one) => one.priority === null);
  const path = `/api/v2/integrations/${there.server.integration}/filter-groups/${group.id}`;
  await api(path, { method: "PATCH", body: JSON.stringify({ description: "As it is now" }) });
  await on("history", async (page) => {
    await page.getByLabel("Kind").selectOption("filter_group");
    await page.getByLabel("Object").selectOption(group.id);
    const card = page.getByRole("region", { name: "As it was" });
    await card.getByText("It is so now.").waitFor();
    assert.match(await card.textContent(), /As it is now/);
    await card.getByLabel("at").fill("2001-01-01T00:00");
    await card.getByText("It was not there yet").waitFor();
    await page.goBack();
    await card.getByText("It is so now.").waitFor();
  });
});

test("prices: 250 countries by 100 locations are pasted, marked where wrong, stored in one step and taken back in one", async () => {
  await on("prices", async (page) => {
    await page.locator('[data-cell="0 0"]').waitFor();
    const app = await makeLocations(page);
    await page.goto(`${there.server.origin}/console/prices?app=${app}`);
    await page.locator('[data-cell="0 0"]').waitFor();
    const before = await stored(app);
    const wrong = [[3, 2], [120, 50], [249, 99]];
    await paste(page, 0, 0, cells(wrong));
    const review = page.getByRole("button", { name: /^Review/ });
    assert.ok(await review.isDisabled(), "wrong prices are not stored");
    for (const [row, column] of wrong) {
      await page.getByRole("button", { name: /wrong, go to the first/ }).click();
      await page.locator(`[data-cell="${row} ${column}"]:focus[aria-invalid="true"]`).waitFor();
      await page.keyboard.press("Control+a");
      await page.keyboard.type(priceOf(row, column));
      await page.keyboard.press("Tab");
    }
    const puts = [];
    page.on("request", (request) => request.method() === "PUT" && puts.push(request.url()));
    await review.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(`${(COUNTRIES * LOCATIONS).toLocaleString("en")} prices of ${LOCATIONS} ad locations.`).waitFor();
    await inDialog(page, "Save").click();
    await page.getByText(/prices were saved/).waitFor();
    assert.equal(puts.filter((url) => !url.includes("dry_run")).length, 1);
    const after = await stored(app);
    assert.equal(after.size, COUNTRIES * LOCATIONS);
    const rows = await page.evaluate(() => document.querySelector('[role="grid"]').getAttribute("aria-rowcount"));
    assert.ok(Number(rows) > COUNTRIES);
    for (let column = 0; column < LOCATIONS; column += 1) assert.equal(after.get(`Place ${String(column).padStart(3, "0")} default`), Number(priceOf(0, column)));
    const sum = (all) => Math.round([...all].reduce((total, one) => total + one * 100, 0));
    const expected = Array.from({ length: COUNTRIES * LOCATIONS }, (_, at) => Number(priceOf(Math.floor(at / LOCATIONS), at % LOCATIONS)));
    assert.equal(sum(after.values()), sum(expected));
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone.").waitFor();
    assert.deepEqual(await stored(app), before);
    await asUser(page, "DELETE", `/v5/apps/${app}`);
  });
});
