// A grid of prices as large as publishers have: 250 countries by 100 ad locations, and a spreadsheet's cells for it.

import assert from "node:assert/strict";
import { asUser, there } from "./harness.mjs";

export const LOCATIONS = 100;
export const COUNTRIES = 250;

/** Makes an app with so many ad locations; each has one price. */
export async function makeLocations(page, count = LOCATIONS) {
  const app = await asUser(page, "POST", "/v5/apps", { nickname: "Large", platform: "android", is_live: false, is_test_mode_on: false, is_directed_at_kids_under_13: "NO", orientations: ["portrait"] });
  for (let at = 0; at < count; at += 1) {
    const body = { name: `Place ${String(at).padStart(3, "0")}`, ad_type: "banner", type: "fixed_cpm", country_targeting: [{ country: "default", price: 1 }] };
    await asUser(page, "POST", `/v5/apps/${app.id}/ad-locations`, body);
  }
  return app.id;
}

/** The price of a cell, different from its neighbours'. */
export const priceOf = (row, column) => (((row * 7 + column * 13) % 4000) / 100 + 0.01).toFixed(2);

/** Cells as a spreadsheet copies them. `wrong` are those that are no prices. */
export function cells(wrong = []) {
  const isWrong = new Set(wrong.map(([row, column]) => `${row} ${column}`));
  return Array.from({ length: COUNTRIES }, (_, row) =>
    Array.from({ length: LOCATIONS }, (_, column) => (isWrong.has(`${row} ${column}`) ? "n/a" : priceOf(row, column))).join("\t"),
  ).join("\r\n");
}

/** Pastes into a cell as the clipboard would, and waits until it is drawn. Answers the milliseconds. */
export async function paste(page, row, column, text) {
  await page.locator(`[data-cell="${row} ${column}"]`).focus();
  return page.evaluate(async (content) => {
    const data = new DataTransfer();
    data.setData("text/plain", content);
    const begun = performance.now();
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - begun;
  }, text);
}

/** The prices that are stored, by location's name and country. */
export async function stored(app) {
  const answer = await fetch(`${there.server.origin}/tollgate/v1/apps/${app}/prices.csv`, { headers: { "API-KEY": there.server.key } });
  const text = await answer.text();
  const [head, ...lines] = text.trim().split(/\r?\n/).map((line) => line.split(","));
  const at = Object.fromEntries(head.map((name, index) => [name, index]));
  assert.ok(at.name !== undefined && at.country !== undefined && at.price !== undefined, head.join());
  return new Map(lines.map((line) => [`${line[at.name]} ${line[at.country]}`, Number(line[at.price])]));
}
