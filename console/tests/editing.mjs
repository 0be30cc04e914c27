// The screens that change something: shown before it is stored, with a way back, and never over what somebody else did.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, groups, hold, on, there } from "./harness.mjs";

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
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), `Move ${original[2]} up`, "the focus goes along");
    const dragged = page.getByRole("row", { name: new RegExp(original[2]) });
    await dragged.dragTo(page.getByRole("row", { name: new RegExp(original[1]) }));
    await page.getByText("is number 3 now").waitFor();
    assert.deepEqual(await names(), original);
  });
});

test("filter groups: moves that are faster than the server's answers are all kept", async () => {
  const inOrder = async () => (await groups()).filter((one) => one.priority !== null).sort((one, other) => one.priority - other.priority).map((one) => one.name);
  const original = await inOrder();
  await on("filter-groups", async (page) => {
    const up = page.getByRole("button", { name: `Move ${original[2]} up` });
    await up.waitFor();
    const letGo = await hold(page, "GET", `/api/v2/integrations/${there.server.integration}/filter-groups`);
    await up.click();
    await page.getByText("is number 2 now").waitFor();
    await up.click();
    await page.getByText("is number 1 now").waitFor();
    letGo();
    assert.deepEqual(await inOrder(), [original[2], original[0], original[1], ...original.slice(3)]);
    for (const place of [2, 3]) {
      await page.getByRole("button", { name: `Move ${original[2]} down` }).click();
      await page.getByText(`is number ${place} now`).last().waitFor();
    }
    await page.waitForFunction((name) => [...document.querySelectorAll("tbody tr")].findIndex((row) => row.textContent.includes(name)) === 2, original[2]);
  });
  assert.deepEqual(await inOrder(), original);
});

test("a filter group that somebody else changed is not overwritten", async () => {
  const group = (await groups()).find((one) => one.name === "Suspected bot farm");
  const path = `/api/v2/integrations/${there.server.integration}/filter-groups/${group.id}`;
  await on(`filter-groups/${group.id}`, async (page) => {
    await page.getByLabel("Name").fill("Bot farm, mine");
    await api(path, { method: "PATCH", body: JSON.stringify({ description: "Changed by somebody else" }) });
    await page.getByRole("button", { name: "Review 1 change" }).click();
    const dialog = page.getByRole("dialog", { name: "What will be different" });
    assert.match(await dialog.textContent(), /Suspected bot farm.*Bot farm, mine/);
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("Somebody else changed this group").waitFor();
    assert.match(await dialog.textContent(), /Changed by somebody else/);
    assert.equal((await api(path)).name, "Suspected bot farm", "nothing was stored");
    const letGo = await hold(page, "GET", path);
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Bot farm, mine was saved.").waitFor();
    const stored = await api(path);
    assert.deepEqual([stored.name, stored.description], ["Bot farm, mine", "Changed by somebody else"]);
    // What is typed before the page has read the group again stays.
    await page.getByLabel("Add a filter").selectOption("click_capping");
    const read = page.waitForResponse((response) => new URL(response.url()).pathname === path);
    letGo();
    await (await read).finished();
    await page.getByRole("heading", { name: /Bot farm, mine/ }).waitFor();
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
    const letGo = await hold(page, "GET", "/tollgate/v1/prices.csv");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("4 prices were saved.").waitFor();
    await cell(2, 0).fill("7.77");
    await cell(2, 0).press("Enter");
    letGo();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Undone.").waitFor();
    await page.waitForFunction((value) => document.querySelector('[data-cell="0 0"]')?.value === value, old);
    assert.equal(await cell(2, 0).inputValue(), "7.77", "what was typed meanwhile stays");
    await page.getByRole("button", { name: "Review 1 change" }).waitFor();
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
