// The catalogue of filter types: JSON Schema, made into what forms need.

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  const?: unknown;
  $ref?: string;
}

export interface FilterType {
  name: string;
  about: string;
  params: Schema | null;
}

/** The filter types of the catalogue, by name. */
export function typesOf(catalogue: object): FilterType[] {
  const all = (catalogue as Schema).oneOf ?? [];
  return all
    .map((one) => ({
      name: String(one.properties?.type?.const ?? one.properties?.type?.enum?.[0] ?? one.title ?? ""),
      about: one.description ?? "",
      params: one.properties?.params ?? null,
    }))
    .filter((one) => one.name !== "")
    .sort((one, other) => one.name.localeCompare(other.name));
}
