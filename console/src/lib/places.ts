// The screens: what they are called, where they are, and what draws them. Each is loaded when it is first gone to.

import type { Component } from "svelte";

export interface Place {
  screen: string;
  name: string;
  /** Its key after `g`. */
  key: string;
  load: () => Promise<{ default: Component }>;
}

export const PLACES: Place[] = [
  { screen: "overview", name: "Overview", key: "o", load: () => import("../screens/Overview.svelte") },
  { screen: "live", name: "Live", key: "l", load: () => import("../screens/Live.svelte") },
  { screen: "explorer", name: "Explorer", key: "e", load: () => import("../screens/Explorer.svelte") },
  { screen: "filter-groups", name: "Filter groups", key: "f", load: () => import("../screens/FilterGroups.svelte") },
  { screen: "apps", name: "Apps", key: "a", load: () => import("../screens/Apps.svelte") },
  { screen: "prices", name: "Prices", key: "p", load: () => import("../screens/Prices.svelte") },
  { screen: "campaigns", name: "Campaigns", key: "c", load: () => import("../screens/Campaigns.svelte") },
  { screen: "block-lists", name: "Block lists", key: "b", load: () => import("../screens/BlockLists.svelte") },
  { screen: "downloads", name: "Downloads", key: "d", load: () => import("../screens/Downloads.svelte") },
  { screen: "history", name: "History", key: "h", load: () => import("../screens/History.svelte") },
  { screen: "settings", name: "Settings", key: "s", load: () => import("../screens/Settings.svelte") },
];

/** Places that one comes to from others only. */
const INNER: Record<string, () => Promise<{ default: Component }>> = {
  events: () => import("../screens/Event.svelte"),
};

export function screenOf(screen: string): (() => Promise<{ default: Component }>) | undefined {
  return PLACES.find((place) => place.screen === screen)?.load ?? INNER[screen];
}
