// Views of events: their filters as they stand in the address, and the columns of their files.

import type { Condition, Kind } from "./reports";

export const OPERATORS: Record<string, string> = {
  eq: "is", ne: "is not", contains: "contains", in: "is one of", gt: "more than", gte: "at least", lt: "less than", lte: "at most",
};

/** Fields that one filters by most; every other field of a row can be filtered by from its event. */
export const FIELDS = [
  "status", "rejection", "publisher", "sub_id", "offer_id", "advertiser", "country", "city", "isp", "ip", "proxy_type", "device_type",
  "os_name", "browser_name", "is_bot", "bot_name", "app_id", "ad_location", "campaign", "creative", "external_transaction_id", "user_agent",
  "referer", "filter_group_id", "monitoring_mode", "payout", "revenue", "extra_parameters",
];

/** `f=publisher:eq:aurora`, as often as there are conditions. */
export function conditionsOf(query: URLSearchParams): Condition[] {
  return query.getAll("f").flatMap((text) => {
    const [field, operator, ...value] = text.split(":");
    return field && operator && operator in OPERATORS ? [{ field, operator, value: value.join(":") }] : [];
  });
}

export const textOf = (conditions: Condition[]): string => conditions.map((one) => `${one.field}:${one.operator}:${one.value}`).join("&");

const COMMON = [
  "real_tx_id", "request_time", "status", "monitoring_mode", "rejection", "rejections", "publisher", "sub_id", "offer_id", "advertiser",
  "country", "city", "isp", "proxy_type", "ip", "user_agent", "device_type", "os_name", "browser_name", "payout", "revenue",
];

/** The columns of a view's file. */
export const fieldsOf = (kind: Kind): string[] => [...COMMON, ...(kind === "conversion" ? ["click_real_tx_id", "goal"] : [])];
