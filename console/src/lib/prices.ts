// Prices as the CSV of the API has them, and as a grid of locations and countries.

export interface Place {
  app: string;
  location: string;
  name: string;
  adType: string;
}

export interface Grid {
  places: Place[];
  /** `default` first, then by code. */
  countries: string[];
  /** By location and country; what has no price is not there. */
  prices: Map<string, string>;
}

export const key = (location: string, country: string): string => `${location} ${country}`;

/** A price as one types it: at least a cent, at most four digits behind the point. */
export function problemOf(text: string): string | null {
  if (text === "") return null;
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text)) return "must be a number such as 1.25";
  return Number(text) < 0.01 ? "must be at least 0.01" : null;
}

/** The lines of a CSV text; quotes as RFC 4180 has them. */
export function csv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at];
    if (quoted) {
      if (one === '"' && text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else if (one === '"') quoted = false;
      else cell += one;
    } else if (one === '"') quoted = true;
    else if (one === ",") {
      row.push(cell);
      cell = "";
    } else if (one === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else if (one !== "\r") cell += one;
  }
  if (cell !== "" || row.length > 0) rows.push([...row, cell]);
  return rows;
}

export function gridOf(text: string): Grid {
  const [head = [], ...rows] = csv(text);
  const at = (name: string) => head.indexOf(name);
  const columns = { app: at("app_id"), location: at("ad_location"), name: at("name"), adType: at("ad_type"), country: at("country"), price: at("price") };
  const places = new Map<string, Place>();
  const countries = new Set<string>(["default"]);
  const prices = new Map<string, string>();
  for (const row of rows) {
    const location = row[columns.location] ?? "";
    if (!location) continue;
    places.set(location, { app: row[columns.app] ?? "", location, name: row[columns.name] ?? location, adType: row[columns.adType] ?? "" });
    const country = row[columns.country] ?? "";
    if (country) countries.add(country);
    if (row[columns.price]) prices.set(key(location, country), row[columns.price]!);
  }
  const rest = [...countries].filter((one) => one !== "default").sort();
  return { places: [...places.values()], countries: ["default", ...rest], prices };
}

/** The whole tables of these locations as the API takes them: what is not in them has no price any more. */
export function fileOf(places: Place[], prices: Map<string, string>): string {
  const lines = ["app_id,ad_location,country,price"];
  const of = new Map(places.map((place) => [place.location, place]));
  for (const [where, price] of prices) {
    const [location = "", country = ""] = where.split(" ");
    const place = of.get(location);
    if (place && price !== "") lines.push(`${place.app},${location},${country},${price}`);
  }
  return `${lines.join("\r\n")}\r\n`;
}
