// What scrolling, drawing and pasting take in this browser, on this machine: `scripts/browser.sh figures`. Only printed: how
// fast a machine is says nothing of the pages' being right, which the tests say.

import { begin, end, on, there } from "./harness.mjs";
import { LOCATIONS, cells, makeLocations, paste } from "./grid.mjs";

const ROWS = 100_000;
const POINTS = 20_000;
const FRAMES = 300;
const DAY = 86_400_000;

const say = (what, goal, measured) => console.log(`${what.padEnd(58)} ${goal.padEnd(16)} ${measured}`);
const at = (all, share) => all.toSorted((one, other) => one - other)[Math.min(all.length - 1, Math.floor(all.length * share))];

/** Seconds that the page's main thread was busy since it began. */
async function busy(cdp) {
  const { metrics } = await cdp.send("Performance.getMetrics");
  return metrics.find((one) => one.name === "TaskDuration").value;
}

/** Scrolls the table once a frame; answers the milliseconds between frames. */
const scrolled = (page, isJumping) =>
  page.evaluate(
    ([frames, jumping]) =>
      new Promise((done) => {
        const list = document.querySelector('[role="table"]');
        const times = [];
        let last;
        const step = (now) => {
          if (last !== undefined) times.push(now - last);
          last = now;
          // A golden stride: everywhere, and never where it was a moment ago.
          list.scrollTop = jumping ? ((times.length * 0.618) % 1) * list.scrollHeight : list.scrollTop + 450;
          if (times.length === frames) done(times);
          else requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
    [FRAMES, isJumping],
  );

async function rows(page, context) {
  let told = 0;
  await page.route("**/api/v2/reports/v2/click-table?*", (route) => {
    const data = Array.from({ length: ROWS / 4 }, () => {
      const id = (told += 1);
      const row = { real_tx_id: `01J${String(id).padStart(23, "0")}`, request_time: new Date(DAY * 20_000 - id).toISOString(), status: id % 3 ? "approved" : "rejected", rejection: id % 3 ? null : "DATA_CENTER" };
      return { ...row, publisher: `pub-${id % 977}`, sub_id: `sub-${id % 7919}`, offer_id: `offer-${id % 31}`, country: "DE", ip: `198.51.100.${id % 256}`, device_type: "phone", os_name: "Android", isp: "An example of a provider" };
    });
    return route.fulfill({ json: { data: { data, pageInfo: { startCursor: "1", endCursor: String(told), hasNextPage: told < ROWS } } } });
  });
  await page.goto(`${there.server.origin}/console/explorer`);
  while (told < ROWS) {
    await page.locator('[role="table"]').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.waitForTimeout(50);
  }
  await page.getByText("100,000 read, all there are").waitFor();
  await page.locator('[role="table"]').evaluate((list) => list.scrollTo(0, 0));
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable");
  for (const [name, isJumping] of [["15 rows a frame", false], ["anywhere, each frame", true]]) {
    const before = await busy(cdp);
    const times = await scrolled(page, isJumping);
    const spent = (1000 * ((await busy(cdp)) - before)) / FRAMES;
    const rate = 1000 / (times.reduce((sum, one) => sum + one, 0) / times.length);
    say(`${ROWS.toLocaleString("en")} rows, ${name}`, ">= 50 frames/s", `${rate.toFixed(1)} frames/s, 95% within ${at(times, 0.95).toFixed(1)} ms, ${spent.toFixed(1)} ms of work a frame`);
  }
}

async function chart(page) {
  const last = Date.parse("2026-01-01");
  const day = (index) => new Date(last - (POINTS - 1 - index) * DAY).toISOString().slice(0, 10);
  const data = Array.from({ length: POINTS }, (_, index) => ({ date: day(index), total: 100 + (index % 97), approved: 60 + (index % 89), rejected: index % 31, monitored: index % 17, conversions: 0, conversion_rate: 0, revenue: 0, payout: 0 }));
  await page.route("**/api/v2/reports/v2/grouped?*", (route) => {
    const isSeries = new URL(route.request().url()).searchParams.get("group_by") === "date";
    return route.fulfill({ json: { data: isSeries ? data : [], totals: data[0], meta: { total_count: isSeries ? POINTS : 0, total_page: 1, as_of: 0 } } });
  });
  const times = [];
  for (let turn = 0; turn < 5; turn += 1) {
    await page.goto(`${there.server.origin}/console/overview?from=${day(0)}&to=${day(POINTS - 1)}&compare=no`);
    const drawn = await page.waitForFunction(() => performance.getEntriesByName("chart")[0]?.duration);
    times.push(await drawn.jsonValue());
  }
  say(`${POINTS.toLocaleString("en")} points of three series drawn`, "< 50 ms", `${at(times, 0.5).toFixed(1)} ms (${times.map((one) => one.toFixed(0)).join(", ")})`);
}

async function prices(page) {
  const app = await makeLocations(page);
  await page.goto(`${there.server.origin}/console/prices?app=${app}`);
  await page.locator('[data-cell="0 0"]').waitFor();
  const pasted = await paste(page, 0, 0, cells());
  const typed = await paste(page, 1, 1, "7.77\t8.88");
  const review = page.getByRole("button", { name: /Review/ });
  const begun = performance.now();
  await review.click();
  await page.getByRole("dialog").getByText(`of ${LOCATIONS} ad locations`).waitFor();
  const shown = performance.now();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText(/prices were saved/).waitFor();
  const saved = performance.now();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Undone.").waitFor();
  const undone = performance.now();
  const ms = (value) => `${value.toFixed(0)} ms`;
  say(`250 countries x ${LOCATIONS} locations`, "", `pasted in ${ms(pasted)}, two cells more in ${ms(typed)}, shown in ${ms(shown - begun)}, saved in ${ms(saved - shown)}, undone in ${ms(undone - saved)}`);
}

await begin();
try {
  for (const figure of [rows, chart, prices]) await on("downloads", figure);
} finally {
  await end();
}
