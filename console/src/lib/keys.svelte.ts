// Keys that work everywhere: Ctrl-K and ? open what lists everything else, g and a letter goes to a screen, j and k move
// along the rows of a table that says so, Enter opens the row.

import { PLACES } from "./places";
import { route, to } from "./router.svelte";

class Keys {
  palette = $state(false);
  help = $state(false);
  /** Whether `g` was the last key: the next one names a screen, however slowly one types. */
  private waitsForPlace = false;

  constructor() {
    addEventListener("keydown", (event) => this.press(event));
    addEventListener("pointerdown", () => (this.waitsForPlace = false));
  }

  private press(event: KeyboardEvent) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.palette = !this.palette;
      return;
    }
    const isPlace = this.waitsForPlace;
    this.waitsForPlace = false;
    const target = event.target as HTMLElement;
    const isTyping = target.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (isPlace) {
      const place = PLACES.find((one) => one.key === event.key);
      if (place) {
        event.preventDefault();
        route.go(to(place.screen));
        return;
      }
    }
    if (event.key === "?") this.help = true;
    else if (event.key === "g") this.waitsForPlace = true;
    else if (event.key === "j" || event.key === "k") this.move(event, event.key === "j" ? 1 : -1);
  }

  /** Moves the focus along the rows of the page's table. */
  private move(event: KeyboardEvent, by: 1 | -1) {
    const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
    if (rows.length === 0) return;
    const at = rows.indexOf(document.activeElement?.closest<HTMLElement>("[data-row]") as HTMLElement);
    const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
    event.preventDefault();
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }
}

export const keys = new Keys();
