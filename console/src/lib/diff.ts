// What is different between two objects, field by field, as the history tells it.

export interface Change {
  field: string;
  old: unknown;
  new: unknown;
}

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
export const isPlainList = (value: unknown): value is unknown[] => Array.isArray(value) && value.every((one) => typeof one !== "object" || one === null);

export function changes(old: unknown, now: unknown, field = ""): Change[] {
  if (JSON.stringify(old) === JSON.stringify(now)) return [];
  if (isObject(old) && isObject(now)) {
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    return names.flatMap((name) => changes(old[name] ?? null, now[name] ?? null, field ? `${field}.${name}` : name));
  }
  if (Array.isArray(old) && Array.isArray(now) && !isPlainList(old) && old.length === now.length) {
    return old.flatMap((one, at) => changes(one, now[at], `${field}[${at}]`));
  }
  return [{ field, old, new: now }];
}

/** A value as people read it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value) && isPlainList(value)) return value.length === 0 ? "none" : value.join(", ");
  return typeof value === "object" ? JSON.stringify(value, null, 1) : String(value);
}
