// What every screen looks at: an integration, a range of days in its time zone, and whether to compare.

import { api } from "./api";
import type { components } from "./openapi";
import { route } from "./router.svelte";

export type Integration = components["schemas"]["Integration"];

const DAY = 86_400_000;
const DATE = /^\d{4}-\d\d-\d\d$/;

class Scope {
  integrations = $state.raw<Integration[]>([]);
  loaded = $state(false);

  async load() {
    const all: Integration[] = [];
    for (let page = 1; ; page += 1) {
      const query = { "page[size]": 100, "page[number]": page, sort: "name" };
      const answer = await api<{ data: Integration[]; meta: { total_page: number } }>("/api/v2/integrations", { query });
      all.push(...answer.data);
      if (page >= answer.meta.total_page) break;
    }
    this.integrations = all;
    this.loaded = true;
  }

  /** The integration that is looked at: the one of the address, else the first. */
  get integration(): Integration | undefined {
    const id = route.query.get("integration");
    return this.integrations.find((one) => one.id === id) ?? this.integrations[0];
  }

  get zone(): string {
    return this.integration?.time_zone ?? "UTC";
  }

  /** Today's date in the zone. */
  get today(): string {
    return new Intl.DateTimeFormat("sv-SE", { timeZone: this.zone }).format(new Date());
  }

  get from(): string {
    const from = route.query.get("from");
    return from && DATE.test(from) ? from : plusDays(this.to, -6);
  }

  get to(): string {
    const to = route.query.get("to");
    return to && DATE.test(to) ? to : this.today;
  }

  get compare(): boolean {
    return route.query.get("compare") !== "no";
  }

  /** How many days the range has. */
  get days(): number {
    return Math.round((Date.parse(this.to) - Date.parse(this.from)) / DAY) + 1;
  }

  /** The parameters of every report. */
  get range(): { integration_id: string | undefined; start_date: string; end_date: string } {
    return { integration_id: this.integration?.id, start_date: this.from, end_date: this.to };
  }
}

export function plusDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10);
}

export const scope = new Scope();
