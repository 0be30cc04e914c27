// Pictures of every screen, light and dark, wide and narrow: `node tests/screenshots.mjs FOLDER [SCREEN…]`.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startBrowser, startServer, watchedPage } from "./support.mjs";
import { SCREENS } from "./screens.mjs";

/** Bytes of a picture, at most: it stands in the repository. */
const MOST = 150_000;

/** A picture of the upper part of the page, as much of it as there is room for. */
async function take(page, path, width, height) {
  for (let part = height; ; part -= 60) {
    const picture = await page.screenshot({ clip: { x: 0, y: 0, width, height: part } });
    if (picture.length <= MOST) return writeFileSync(path, picture);
  }
}

const [folder, ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const server = await startServer();
const browser = await startBrowser();
const signedIn = await browser.newContext();
const { page: first } = await watchedPage(signedIn, server.origin);
await first.goto(server.url);
await first.getByRole("heading", { name: "Overview" }).waitFor();
const storageState = await signedIn.storageState();
let failed = false;
for (const [width, height] of [[1440, 900], [390, 844]]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, storageState, reducedMotion: "reduce" });
    for (const screen of SCREENS.filter((one) => only.length === 0 || only.includes(one.name))) {
      const { page, wrong } = await watchedPage(context, server.origin);
      await page.goto(`${server.origin}/console/${await screen.path(server, page)}`);
      await screen.ready(page);
      await page.evaluate(() => document.fonts.ready);
      await page.waitForTimeout(300);
      await take(page, join(folder, `${screen.name}-${width}-${colorScheme}.png`), width, height);
      if (wrong.length > 0) {
        failed = true;
        console.error(screen.name, wrong);
      }
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
await server.stop();
process.exitCode = failed ? 1 : 0;
