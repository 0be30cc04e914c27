// Numbers, money, times and names as the pages write them.

const whole = new Intl.NumberFormat("en-US");
const percent = new Intl.NumberFormat("en-US", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

export const count = (value: number | null | undefined): string => (value == null ? "–" : whole.format(value));
export const share = (value: number | null | undefined): string => (value == null || Number.isNaN(value) ? "–" : percent.format(value));
export const money = (value: number | null | undefined): string => (value == null ? "–" : dollars.format(value));

export function bytes(value: number | null | undefined): string {
  if (value == null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let rest = value;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${units[unit]}`;
}

/** Making one takes longer than using it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const format = formats.get(zone) ?? new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  formats.set(zone, format);
  return format;
}

/** A time of the API, in a zone, to the second. */
export function time(text: string | null | undefined, zone = "UTC"): string {
  if (!text) return "–";
  const at = new Date(/[zZ]$|[+-]\d\d:\d\d$/.test(text) ? text : `${text.replace(" ", "T")}Z`);
  if (Number.isNaN(at.getTime())) return text;
  return formatOf(zone).format(at);
}

export const clock = (text: string | null | undefined, zone = "UTC"): string => time(text, zone).split(" ")[1] ?? "–";

/** How long ago, roughly. */
export function ago(text: string | null | undefined, now = Date.now()): string {
  if (!text) return "–";
  const seconds = Math.max(0, Math.round((now - new Date(text).getTime()) / 1000));
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** `click_flooding` as people write it. */
export function words(name: string | null | undefined): string {
  if (!name) return "–";
  const spaced = name.replaceAll("_", " ");
  const lower = /[a-z]/.test(spaced) ? spaced : spaced.toLowerCase();
  const text = lower.replace(/\b(ip|isp|id|ids|vpn|os|asn|rtb|url|ctit|cpm)\b/gi, (short) => (short === "ids" ? "IDs" : short.toUpperCase()));
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The change from one number to another, in percent, with its sign; nothing where there is no comparison. */
export function change(now: number, before: number | undefined): string {
  if (before === undefined) return "";
  if (before === 0) return "";
  const by = (now - before) / before;
  return `${by > 0 ? "+" : by < 0 ? "−" : "±"}${percent.format(Math.abs(by))}`;
}

/** The time that an event's id was made of, in milliseconds: its first 48 bits. */
export function timeOfId(id: string): number {
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return [...id.slice(0, 10).toUpperCase()].reduce((sum, digit) => sum * 32 + digits.indexOf(digit), 0);
}
