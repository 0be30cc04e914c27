// Where we are within the console: the path below /console/ and the query. Every state worth sharing stands in the URL.

const BASE = "/console/";

class Route {
  path = $state("");
  query = $state.raw(new URLSearchParams());

  constructor() {
    this.read();
    addEventListener("popstate", () => this.read());
    addEventListener("click", (event) => this.follow(event));
  }

  /** The screen's name: the first part of the path. */
  get screen(): string {
    return this.path.split("/")[0] || "overview";
  }

  /** The id behind the screen's name. It becomes part of a request's path, so whatever is not like an id is none. */
  get rest(): string {
    const rest = this.path.split("/").slice(1).join("/");
    return /^[\w-]+$/.test(rest) ? rest : "";
  }

  read() {
    this.path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : "";
    this.query = new URLSearchParams(location.search);
  }

  go(href: string, replace = false) {
    if (replace) history.replaceState(null, "", href);
    else history.pushState(null, "", href);
    const before = this.path;
    this.read();
    if (before !== this.path) scrollTo(0, 0);
  }

  /** Changes parts of the query and stays here. `null` removes one. */
  set(changes: Record<string, string | string[] | null>, replace = false) {
    this.go(this.here(changes), replace);
  }

  /** The address of this place with a changed query. */
  here(changes: Record<string, string | string[] | null>): string {
    return address(this.path, changed(this.query, changes));
  }

  private follow(event: MouseEvent) {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest?.("a[href]");
    if (!link || link.hasAttribute("download") || link.getAttribute("target")) return;
    const href = link.getAttribute("href") ?? "";
    if (!href.startsWith(BASE)) return;
    event.preventDefault();
    this.go(href);
  }
}

export const route = new Route();

/** What stays when one goes from screen to screen. */
const KEPT = ["from", "to", "compare", "integration"];

/** The address of a screen. Range, comparison and integration go along. */
export function to(path: string, query: Record<string, string | string[] | null> = {}): string {
  const kept = new URLSearchParams();
  for (const name of KEPT) {
    const value = route.query.get(name);
    if (value) kept.set(name, value);
  }
  return address(path, changed(kept, query));
}

function changed(query: URLSearchParams, changes: Record<string, string | string[] | null>): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of value === null ? [] : [value].flat()) next.append(name, one);
  }
  return next;
}

function address(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return `${BASE}${path}${text && `?${text}`}`;
}
