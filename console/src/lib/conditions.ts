// Conditions of filters, as forms are made of them: what can be compared with what, told by the catalogue's JSON Schema.

import { has, type Schema } from "./schema";

export type Condition = Record<string, unknown>;

/** What a comparison compares with: one value, several, or another field. */
export interface Operand {
  member: "value" | "other_field";
  sort: "text" | "integer" | "number" | "boolean" | "several" | "field";
  /** Of several: whether they are whole numbers. */
  whole: boolean;
  others: string[];
}

export interface Comparisons {
  fields: string[];
  /** The operators of a field, and with what each may compare. */
  operators: (field: string) => Map<string, Operand[]>;
}

export const GROUPS = ["all", "any", "not"] as const;
export type GroupName = (typeof GROUPS)[number];

/** The group that a condition is, if it is one. */
export const groupOf = (one: Condition): GroupName | undefined => GROUPS.find((name) => name in one);

/** The conditions within a group. */
export function within(one: Condition): Condition[] {
  const name = groupOf(one);
  if (!name) return [];
  return name === "not" ? [one.not as Condition] : (one[name] as Condition[]);
}

/** A group of these; `not` is of one, and what is more becomes an `any` of it: none of them holds. */
export function group(name: GroupName, all: Condition[]): Condition {
  if (name !== "not") return { [name]: all };
  return { not: all.length === 1 ? all[0] : { any: all } };
}

export function comparisonsOf(forms: Schema[]): Comparisons {
  const comparing = forms.filter((form) => form.properties?.field);
  const fields = [...new Set(comparing.flatMap((form) => (form.properties?.field?.enum ?? []) as string[]))].toSorted();
  const operators = (field: string) => {
    const all = new Map<string, Operand[]>();
    for (const { properties = {} } of comparing.filter((form) => form.properties?.field?.enum?.includes(field))) {
      const operand = operandOf(properties);
      for (const name of (properties.op?.enum ?? []) as string[]) all.set(name, [...(all.get(name) ?? []), operand]);
    }
    return all;
  };
  return { fields, operators };
}

function operandOf(properties: Record<string, Schema>): Operand {
  if (properties.other_field) return { member: "other_field", sort: "field", whole: false, others: (properties.other_field.enum ?? []) as string[] };
  const value = properties.value ?? {};
  const isWhole = (one: Schema) => has(one, "integer");
  const sort = has(value, "array") ? "several" : isWhole(value) ? "integer" : has(value, "boolean") ? "boolean" : has(value, "number") ? "number" : "text";
  return { member: "value", sort, whole: isWhole(value.items ?? {}), others: [] };
}

/** A comparison to begin with. */
export const FIRST: Condition = { field: "country", op: "eq", value: "" };
