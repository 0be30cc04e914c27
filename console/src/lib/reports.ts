// Grouped reports and tables of events.

import { api } from "./api";
import type { components } from "./openapi";
import { scope } from "./scope.svelte";

export type Kind = "click" | "conversion" | "impression";
export const KINDS: Kind[] = ["click", "conversion", "impression"];
export type ClickRow = components["schemas"]["ClickRow"];
export type EventRow = Record<string, unknown> & { real_tx_id: string };

export interface Measures {
  total: number;
  approved: number;
  rejected: number;
  monitored: number;
  conversions: number | null;
  conversion_rate: number | null;
  revenue: number;
  payout: number;
}

export type Group = Measures & { previous?: Measures } & Record<string, unknown>;

export interface Grouped {
  data: Group[];
  totals: Measures & { previous?: Measures };
  meta: { total_count: number; total_page: number; as_of: number };
}

/** A condition of a view: field, operator, value. */
export interface Condition {
  field: string;
  operator: string;
  value: string;
}

export const GROUPS = [
  "date", "hour", "rejection", "publisher", "sub_id", "offer_id", "advertiser", "country", "city", "isp", "proxy_type",
  "browser_name", "os_name", "device_type", "app_id", "ad_location", "campaign", "creative",
] as const;

export function filters(conditions: Condition[]): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const { field, operator, value } of conditions) {
    const name = operator === "eq" ? `filter[${field}]` : `filter[${field}][${operator}]`;
    (all[name] ??= []).push(value);
  }
  return all;
}

export function grouped(
  kind: Kind,
  by: string[],
  more: { sort?: string; size?: number; page?: number; compare?: boolean; conditions?: Condition[] },
  signal?: AbortSignal,
): Promise<Grouped> {
  const query = {
    ...scope.range,
    kind,
    group_by: by.join(","),
    sort: more.sort,
    "page[size]": more.size ?? 100,
    "page[number]": more.page ?? 1,
    compare: more.compare ? "previous" : undefined,
    ...filters(more.conditions ?? []),
  };
  return api<Grouped>("/api/v2/reports/v2/grouped", { query, ...(signal && { signal }) });
}

export interface Page {
  data: EventRow[];
  pageInfo: { startCursor: string | null; endCursor: string | null; hasNextPage: boolean };
}

export async function table(
  kind: Kind,
  more: { after?: string | null; size?: number; conditions?: Condition[]; from?: string; to?: string },
  signal?: AbortSignal,
): Promise<Page> {
  const range = scope.range;
  const query = {
    integration_id: range.integration_id,
    start_date: more.from ?? range.start_date,
    end_date: more.to ?? range.end_date,
    "page[size]": more.size ?? 100,
    "page[after]": more.after ?? undefined,
    ...filters(more.conditions ?? []),
  };
  const answer = await api<{ data: Page }>(`/api/v2/reports/v2/${kind}-table`, { query, ...(signal && { signal }) });
  return answer.data;
}

/** How an event came out, in one word. */
export function verdict(row: Record<string, unknown>): "approved" | "monitored" | "rejected" | "unjudged" {
  if (row.status === "rejected") return row.monitoring_mode ? "monitored" : "rejected";
  if (row.rejection && row.monitoring_mode) return "monitored";
  return row.status === "approved" ? "approved" : "unjudged";
}
