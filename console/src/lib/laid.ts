// Three states of an object: as it was, as one changed it, and as somebody else did. One's own changes are laid upon
// theirs, and what one changed is told apart from what one only looked at.

import { isObject, isPlainList } from "./diff";

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** `mine`, where it is not as it was, laid upon `now`: field by field, and entry by entry in lists of plain values. */
export function laid<T>(base: T, mine: T, now: T): T {
  if (same(base, mine)) return now;
  if (isObject(base) && isObject(mine) && isObject(now)) {
    const names = [...new Set([...Object.keys(mine), ...Object.keys(now)])];
    return Object.fromEntries(names.map((name) => [name, laid(base[name], mine[name], now[name])]).filter(([, value]) => value !== undefined)) as T;
  }
  if (isPlainList(base) && isPlainList(mine) && isPlainList(now)) {
    const kept = now.filter((one) => mine.includes(one) || !base.includes(one));
    return [...kept, ...mine.filter((one) => !base.includes(one) && !kept.includes(one))] as T;
  }
  return mine;
}

/** What makes `now` of `base` when it is merged field by field. */
export function patchOf(base: object, now: object): Record<string, unknown> {
  const old = base as Record<string, unknown>;
  const differing = Object.entries(now).filter(([name, value]) => !same(old[name], value));
  return Object.fromEntries(differing.map(([name, value]) => [name, isObject(value) && isObject(old[name]) ? patchOf(old[name], value) : value]));
}

/** The same for what is kept by key. */
export function laidMap<K, V>(base: Map<K, V>, mine: Map<K, V>, now: Map<K, V>): Map<K, V> {
  const next = new Map(now);
  for (const key of new Set([...base.keys(), ...mine.keys()])) {
    const value = mine.get(key);
    if (value === base.get(key)) continue;
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  return next;
}
