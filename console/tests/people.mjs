// Users, their sessions, and what each role may do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asUser, groups, on, there } from "./harness.mjs";

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

/** A user of a role, made by the owner; answers the address and a password. */
async function user(name, role) {
  const email = `${name}@example.com`;
  let password;
  await on("settings?part=users", async (page) => {
    password = (await asUser(page, "POST", "/tollgate/v1/users", { email, role })).password;
  });
  return { email, password };
}

async function signIn(page, { email, password }) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a password that opens several organizations is asked which", async () => {
  const analyst = await user("several", "analyst");
  let own;
  await on("settings", async (page) => {
    own = (await asUser(page, "GET", "/tollgate/v1/session")).organization;
  });
  await on("downloads", async (page) => {
    const meant = [];
    await page.route("**/tollgate/v1/session", async (route) => {
      const request = route.request();
      if (request.method() === "POST") meant.push(request.postDataJSON().organization);
      if (request.method() !== "POST" || meant.at(-1)) return route.continue();
      await route.fulfill({ status: 409, json: { code: "organization_ambiguous", organizations: [{ id: "f".repeat(24), name: "Elsewhere" }, own] } });
    });
    await signIn(page, analyst);
    await page.getByLabel("Organization").selectOption(own.name);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Downloads" }).waitFor();
    assert.deepEqual(meant, [undefined, own.id]);
  }, { storageState: undefined, but: /status of 409/ });
});

test("a sign-out that failed does not look like one that worked", async () => {
  const analyst = await user("leaving", "analyst");
  await on("downloads", async (page, context) => {
    await signIn(page, analyst);
    await page.getByText("No files yet").waitFor();
    const [cookie] = await context.cookies();
    await page.route("**/tollgate/v1/session", (route) => (route.request().method() === "DELETE" ? route.fulfill({ status: 503, json: {} }) : route.continue()));
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are still signed in: the server answered 503").waitFor();
    await page.getByRole("heading", { name: "Downloads" }).waitFor();
    await page.unroute("**/tollgate/v1/session");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    const answer = await fetch(`${there.server.origin}/tollgate/v1/session`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
    assert.equal(answer.status, 401, "the session has ended");
  }, { storageState: undefined, but: /status of 503/ });
});

test("a link lets a user choose a password, once; the password is changed later", async () => {
  const chosen = { email: "choosing@example.com", password: "as long as it has to be" };
  let link;
  await on("settings?part=users", async (page) => {
    await page.getByLabel("Email of a new user").fill(chosen.email);
    await page.getByRole("button", { name: "Add user" }).click();
    await page.getByRole("button", { name: "I have it" }).click();
    await page.getByRole("row", { name: new RegExp(chosen.email) }).getByRole("button", { name: "Link" }).click();
    link = await page.locator(".secret").filter({ hasText: chosen.email }).locator("code").textContent();
  });
  const path = new URL(link).hash;
  const choose = async (page, one, other = one) => {
    await page.getByLabel("New password").fill(one);
    await page.getByLabel("The same again").fill(other);
    await page.getByRole("button", { name: "Choose it and sign in" }).click();
  };
  await on(path, async (page) => {
    await page.getByRole("heading", { name: "Choose a password" }).waitFor();
    assert.ok(!page.url().includes("choose-password"), "the secret leaves the address");
    await choose(page, chosen.password, "something else entirely");
    assert.equal(await page.getByLabel("The same again").evaluate((field) => field.validity.customError), true);
    await choose(page, chosen.email);
    await page.getByRole("alert").waitFor();
    await choose(page, chosen.password);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
  }, { storageState: undefined, but: /status of 400/ });
  await on(path, async (page) => {
    await choose(page, "another one that is long");
    await page.getByText("This link was used already").waitFor();
  }, { storageState: undefined });
  await on("settings?part=you", async (page) => {
    await signIn(page, chosen);
    const change = async (old, next) => {
      await page.getByLabel("Present password").fill(old);
      await page.getByLabel("New password").fill(next);
      await page.getByLabel("The same again").fill(next);
      await page.getByRole("button", { name: "Change password" }).click();
    };
    await change("not the password", "the next one is long, too");
    await page.getByRole("alert").waitFor();
    await change(chosen.password, "the next one is long, too");
    await page.getByText("Your password was changed.").waitFor();
  }, { storageState: undefined, but: /status of 400/ });
  await on("overview", async (page) => {
    await signIn(page, { ...chosen, password: "the next one is long, too" });
    await page.getByRole("heading", { name: "Overview" }).waitFor();
  }, { storageState: undefined });
});

test("health: what asks for attention, and how the server is", async () => {
  await on("settings?part=health", async (page) => {
    const card = page.getByRole("region", { name: "Health" });
    await card.getByText("free").waitFor();
    const text = await card.textContent();
    for (const part of ["Version", "Disk", "Data files"]) assert.ok(text.includes(part), `${part}: ${text}`);
    await card.getByRole("link", { name: /in use/ }).click();
    await page.getByRole("heading", { name: "Data files" }).waitFor();
  });
});

test("settings with the mouse: an integration and a key that may write", async () => {
  await on("settings", async (page) => {
    await page.getByLabel("Name of a new integration").fill("Zz made with the mouse");
    await page.getByRole("button", { name: "Add integration" }).click();
    await page.getByText("Zz made with the mouse was made.").waitFor();
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByLabel("Name of a new key").fill("Writes");
    await page.getByLabel("may change things").check();
    await page.getByRole("button", { name: "Make key" }).click();
    await page.locator(".secret code").waitFor();
    await page.getByRole("button", { name: "I have it" }).click();
    const row = page.getByRole("row", { name: /Writes/ });
    assert.match(await row.textContent(), /read, write/);
    await row.getByRole("button", { name: "Revoke" }).click();
    await row.waitFor({ state: "detached" });
  });
});
