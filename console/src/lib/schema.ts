// JSON Schema, as far as forms are drawn from it: the catalogue of filter types, and the forms of the pages' own.

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  format?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  pattern?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  const?: unknown;
  $ref?: string;
  $defs?: Record<string, Schema>;
  /** The forms that a condition may have, put in for the reference to them. */
  forms?: Schema[];
}

export interface FilterType {
  name: string;
  about: string;
  params: Schema | null;
}

export const has = (one: Schema, type: string): boolean => [one.type].flat().includes(type);

/** What can be chosen: a value and what it is called, where it is called something. */
export interface Choice {
  value: unknown;
  title?: string | undefined;
}

/** The values that are legal, where they are few enough to be listed. */
export function choicesOf(one: Schema | undefined): Choice[] | null {
  if (one?.enum) return one.enum.filter((value) => value !== null).map((value) => ({ value }));
  const all = one?.oneOf?.filter((other) => other.const !== undefined);
  return all && all.length > 0 ? all.map((other) => ({ value: other.const, title: other.title })) : null;
}

/** The filter types of the catalogue, by name. */
export function typesOf(catalogue: object): FilterType[] {
  const { oneOf: all = [], $defs: definitions } = catalogue as Schema;
  return all
    .map((one) => ({
      name: String(one.properties?.type?.const ?? one.properties?.type?.enum?.[0] ?? one.title ?? ""),
      about: one.description ?? "",
      params: one.properties?.params ? resolved(one.properties.params, definitions) : null,
    }))
    .filter((one) => one.name !== "")
    .sort((one, other) => one.name.localeCompare(other.name));
}

/** Parameters that refer to a definition, with its forms in place. Definitions refer to themselves: those stay. */
function resolved(params: Schema, definitions: Record<string, Schema> = {}): Schema {
  const put = (one: Schema): Schema => {
    const forms = one.$ref && definitions[one.$ref.replace("#/$defs/", "")]?.oneOf;
    return forms ? { ...one, forms } : one;
  };
  const properties = Object.entries(params.properties ?? {}).map(([name, one]) => [name, put(one)]);
  return { ...params, properties: Object.fromEntries(properties) };
}
