// The main flow of every screen with keys alone: what is used is gone to with Tab, or with the keys that the pages have.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, on, pressAt, tabTo, there } from "./harness.mjs";

const button = (page, name) => page.getByRole("button", { name });
const inDialog = (page, name) => page.getByRole("dialog").getByRole("button", { name, exact: true });

/** Writes into a field that is gone to with Tab. */
async function write(page, field, text) {
  await tabTo(page, field);
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.type(text);
}

/** Chooses an option of a field that is gone to with Tab. */
async function choose(page, field, option) {
  await tabTo(page, field);
  const chosen = () => field.evaluate((select) => select.selectedOptions[0]?.textContent.trim());
  const most = await field.evaluate((select) => select.options.length);
  for (let pressed = 0; pressed < most && (await chosen()) !== option; pressed += 1) await page.keyboard.press("ArrowDown");
  assert.equal(await chosen(), option);
}

test("keys alone: a report, its events, one of them, and the file of all", async () => {
  await on("explorer", async (page) => {
    await choose(page, page.getByLabel("Group by, 1"), "Publisher");
    await pressAt(page, page.getByRole("link", { name: "pub-racks" }));
    await page.waitForURL(/f=publisher%3Aeq%3Apub-racks/);
    await page.locator("a.line").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Why this filter group" }).waitFor();
    await page.goBack();
    await pressAt(page, button(page, "Export this view"));
    await page.getByRole("region", { name: "Files" }).getByText("✓ Ready").waitFor();
    const download = page.waitForEvent("download");
    await pressAt(page, page.getByRole("link", { name: "Download", exact: true }).first());
    assert.match((await download).suggestedFilename(), /\.csv$/);
    await pressAt(page, button(page, /^Delete/).first());
    await page.getByText("No files yet").waitFor();
  });
});

test("keys alone: what is looked at, and which days", async () => {
  await on("overview", async (page) => {
    await page.getByText("pub-torrent").waitFor();
    await pressAt(page, button(page, "3 days"));
    await page.waitForURL(/from=/);
    await page.getByText("Clicks by verdict, hourly").waitFor();
    await pressAt(page, page.getByRole("region", { name: "Top reasons" }).locator("[data-row]").first());
    await page.getByRole("heading", { name: "Explorer" }).waitFor();
  });
});

test("keys alone: prices are typed, raised, stored and taken back", async () => {
  await on("prices", async (page) => {
    const cell = (row, column) => page.locator(`[data-cell="${row} ${column}"]`);
    await cell(0, 0).waitFor();
    const old = [await cell(0, 0).inputValue(), await cell(1, 0).inputValue()];
    await write(page, cell(0, 0), "3.33");
    await page.keyboard.press("ArrowDown");
    await page.locator('[data-cell="1 0"]:focus').waitFor();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("4.44");
    await page.keyboard.press("ArrowUp");
    await page.locator('[data-cell="0 0"]:focus').waitFor();
    await pressAt(page, button(page, "Review 2 changes"));
    await pressAt(page, inDialog(page, "Save"));
    await page.getByText("2 prices were saved.").waitFor();
    await pressAt(page, button(page, "Undo"));
    await page.getByText("Undone.").waitFor();
    await page.waitForFunction(([one, other]) => document.querySelector('[data-cell="0 0"]')?.value === one && document.querySelector('[data-cell="1 0"]')?.value === other, old);
  });
});

test("keys alone: a block list is made, and deleted with a way back", async () => {
  await on("block-lists", async (page) => {
    await pressAt(page, page.getByRole("link", { name: "New list" }));
    await write(page, page.getByLabel("Title"), "Made with keys");
    await pressAt(page, page.getByLabel("All of Automotive"), "Space");
    await pressAt(page, button(page, "Review"));
    await pressAt(page, inDialog(page, "Save"));
    await page.getByText("No app uses it.").waitFor();
    await pressAt(page, button(page, "Delete"));
    await page.getByText("Made with keys was deleted.").waitFor();
    await pressAt(page, button(page, "Undo"));
    await page.getByText("Undone.").waitFor();
    await page.getByRole("link", { name: /Made with keys/ }).waitFor();
  });
});

test("keys alone: an app's test mode", async () => {
  await on("apps", async (page) => {
    await pressAt(page, page.getByRole("link", { name: "Word Garden" }));
    await pressAt(page, button(page, "On for 30 min"));
    await page.getByText("30 minutes").waitFor();
    await pressAt(page, button(page, "Turn off"));
    await page.getByText("It gets real ads.").waitFor();
  });
});

test("keys alone: what an app's ads may be is written, shown before it is stored, and put back", async () => {
  await on("apps", async (page) => {
    await pressAt(page, page.getByRole("link", { name: "Word Garden" }));
    const blocked = page.getByLabel("Blocked advertisers");
    const muted = page.getByLabel("Starts without sound");
    await blocked.waitFor();
    const before = [await blocked.inputValue(), await muted.isChecked()];
    const text = [before[0], "com.example.keys"].filter(Boolean).join("\n");
    await write(page, blocked, text);
    // What is typed counts before the field is left.
    await button(page, "Review 1 change").waitFor();
    await pressAt(page, muted, "Space");
    await choose(page, page.getByLabel("Button that skips a video"), "Worded");
    const store = async () => {
      await pressAt(page, button(page, /^Review \d/));
      await pressAt(page, inDialog(page, "Save"));
    };
    await store();
    await page.getByText("What its ads may be was saved.").waitFor();
    await page.reload();
    await blocked.waitFor();
    assert.deepEqual([await blocked.inputValue(), await muted.isChecked()], [text, !before[1]]);
    await write(page, blocked, before[0]);
    await pressAt(page, muted, "Space");
    await store();
    await page.getByText("What its ads may be was saved.").waitFor();
    await button(page, "Review 0 changes").waitFor();
  });
});

test("keys alone: a postback is made, changed, tried and deleted with a way back", async () => {
  await on("settings", async (page) => {
    const store = async () => {
      await pressAt(page, button(page, /^Review \d/));
      await pressAt(page, inDialog(page, "Save"));
    };
    await pressAt(page, page.getByRole("link", { name: "Postbacks" }));
    await pressAt(page, page.getByRole("link", { name: "New postback" }));
    await write(page, page.getByLabel("Name", { exact: true }), "By keys");
    await write(page, page.getByLabel("URL"), "https://tracker.invalid/postback?id={transaction_id}");
    await store();
    await page.getByText("By keys was made.").waitFor();
    await choose(page, page.getByLabel("Tells of conversions that are"), "Rejected");
    await write(page, page.getByLabel("Seconds until it is sent"), "90");
    await write(page, page.getByLabel("Reasons of rejections"), "BOT\nDATA_CENTER");
    await store();
    await page.getByText("By keys was saved.").waitFor();
    const [made] = (await api(`/tollgate/v1/integrations/${there.server.integration}/postbacks`)).items.filter((one) => one.name === "By keys");
    assert.deepEqual([made.on, made.delay_seconds, made.reasons], ["rejected", 90, ["BOT", "DATA_CENTER"]]);
    await pressAt(page, button(page, "Send a test"));
    await page.getByText("✕ no answer").waitFor();
    await pressAt(page, button(page, "Delete"));
    await page.getByText("By keys was deleted.").waitFor();
    await pressAt(page, button(page, "Undo"));
    await page.getByText("Undone.").waitFor();
    await pressAt(page, page.getByRole("link", { name: "By keys" }));
    await pressAt(page, button(page, "Delete"));
    await page.getByText("By keys was deleted.").waitFor();
  });
});

test("keys alone: live events are held still and opened", async () => {
  await on("live", async (page) => {
    await page.locator("[data-row]").first().waitFor();
    await pressAt(page, button(page, "Pause"));
    await button(page, "Go on").waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByText("Timeline").waitFor();
  });
});

test("keys alone: a change is looked up and taken back", async () => {
  await on("history?kind=filter_group", async (page) => {
    await page.locator("[data-row]").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await pressAt(page, page.getByRole("link", { name: "Its whole history" }).first());
    await page.getByText(/^only /).waitFor();
    await page.getByRole("region", { name: "As it was" }).getByText(/^Version/).waitFor();
  });
});

test("keys alone: an integration, a user and an API key are made", async () => {
  await on("settings", async (page) => {
    await write(page, page.getByLabel("Name of a new integration"), "Zz made with keys");
    await page.keyboard.press("Enter");
    await page.getByText("Zz made with keys was made.").waitFor();
    await page.getByText("Waiting for the first event").waitFor();
    await pressAt(page, page.getByRole("link", { name: "Users" }));
    await write(page, page.getByLabel("Email of a new user"), "keys@example.com");
    await page.keyboard.press("Enter");
    await page.locator(".secret").filter({ hasText: "keys@example.com" }).waitFor();
    await pressAt(page, button(page, "I have it"));
    await pressAt(page, page.getByRole("link", { name: "API keys" }));
    await write(page, page.getByLabel("Name of a new key"), "Made with keys");
    await page.keyboard.press("Enter");
    await page.locator(".secret").waitFor();
    await pressAt(page, button(page, "I have it"));
    const row = page.getByRole("row", { name: /Made with keys/ });
    await pressAt(page, row.getByRole("button", { name: "Revoke" }));
    await page.getByText("Made with keys works no more.").waitFor();
  });
  const { items } = await api("/tollgate/v1/users");
  assert.ok(items.some((one) => one.email === "keys@example.com"), there.server.origin);
});

test("keys alone: a campaign is made, changed and deleted", async () => {
  await on("campaigns", async (page) => {
    await pressAt(page, page.getByRole("link", { name: "New campaign" }));
    await write(page, page.getByLabel("Name", { exact: true }), "Autumn");
    await choose(page, page.getByLabel("App that it promotes"), "Word Garden");
    await pressAt(page, button(page, /^Review/));
    await pressAt(page, inDialog(page, "Save"));
    await page.getByText("Autumn was made.").waitFor();
    await choose(page, page.getByLabel("Status"), "Paused");
    await pressAt(page, button(page, "Review 1 change"));
    await pressAt(page, inDialog(page, "Save"));
    await page.getByText("Autumn was saved.").waitFor();
    await pressAt(page, button(page, "Delete"));
    await page.getByText("Autumn was deleted.").waitFor();
  });
});
