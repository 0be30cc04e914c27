// What goes wrong between the page and the server, and how the page comes back from it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, on, there } from "./harness.mjs";

test("a server that is gone for a while is waited for", async () => {
  const context = await there.browser.newContext({ storageState: there.storageState });
  const page = await context.newPage();
  await page.goto(`${there.server.origin}/console/downloads`);
  await page.getByRole("heading", { name: "Downloads" }).waitFor();
  await page.getByText("No files yet").waitFor();
  await context.setOffline(true);
  await page.getByRole("link", { name: "History" }).click().catch(() => {});
  await page.getByText("The server does not answer").or(page.getByText("could not be loaded")).first().waitFor();
  await context.setOffline(false);
  await context.close();
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
