// Users, their sessions, and what each role may do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { groups, on } from "./harness.mjs";

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
