// Shows /openapi.json as a page. Everything is put in as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
let components = {};

/** An element with attributes and children; strings become text. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text in which `names` stand between backticks. */
function prose(text) {
  return (text || "").split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));
}

/** What a reference points to, with its name. */
function resolve(schema) {
  if (!schema || !schema.$ref) return schema || {};
  const name = schema.$ref.split("/").pop();
  return { ...components[name], title: name };
}

/** A schema's type in a few words. */
function typeOf(schema) {
  const found = resolve(schema);
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.enum) return found.enum.map((value) => JSON.stringify(value)).join(" | ");
  const several = found.oneOf || found.anyOf;
  if (several) return several.map(typeOf).join(" | ");
  const types = [found.type].flat().filter(Boolean);
  const named = types.map((type) => {
    if (type === "array") return `list of ${typeOf(found.items)}`;
    return type === "object" && found.title ? found.title : type;
  });
  return named.join(" | ") || found.title || "any";
}

/** The limits that a schema sets, in a few words. */
function limitsOf(schema) {
  const found = resolve(schema);
  const parts = [];
  const range = (low, high, what) => {
    if (low !== undefined && high !== undefined) parts.push(`${low} to ${high}${what}`);
    else if (low !== undefined) parts.push(`from ${low}${what}`);
    else if (high !== undefined) parts.push(`up to ${high}${what}`);
  };
  range(found.minimum, found.maximum, "");
  range(found.minLength, found.maxLength, " characters");
  range(found.minItems, found.maxItems, " items");
  if (found.uniqueItems) parts.push("no duplicates");
  if (found.pattern) parts.push(`matches ${found.pattern}`);
  if (found.default !== undefined) parts.push(`default ${JSON.stringify(found.default)}`);
  return parts.join(", ");
}

/** Rows of a table for the fields of an object, those inside indented by their names. */
function fieldRows(schema, prefix, depth) {
  let found = resolve(schema);
  if (found.type === "array" || (Array.isArray(found.type) && found.type.includes("array"))) {
    return depth < 6 ? fieldRows(found.items, `${prefix}[].`.replace(".[]", "[]"), depth + 1) : [];
  }
  const parts = found.allOf || found.oneOf || found.anyOf || [];
  const rows = parts.flatMap((part) => fieldRows(part, prefix, depth));
  for (const [name, field] of Object.entries(found.properties || {})) {
    const required = (found.required || []).includes(name);
    const target = resolve(field);
    rows.push(make("tr", {},
      make("td", {}, make("code", {}, prefix + name), required ? "" : make("span", { class: "note" }, " optional")),
      make("td", {}, typeOf(field)),
      make("td", {}, prose(field.description || target.description), " ",
        make("span", { class: "note" }, limitsOf(field)))));
    if (depth < 6) rows.push(...fieldRows(field, `${prefix}${name}.`, depth + 1));
  }
  return rows;
}

function table(heads, rows) {
  if (rows.length === 0) return null;
  return make("table", {}, make("thead", {}, make("tr", {}, heads.map((head) => make("th", {}, head)))),
    make("tbody", {}, rows));
}

function parameterRow(parameter) {
  return make("tr", {},
    make("td", {}, make("code", {}, parameter.name), parameter.required ? "" : make("span", { class: "note" }, " optional")),
    make("td", {}, parameter.in),
    make("td", {}, typeOf(parameter.schema)),
    make("td", {}, prose(parameter.description), " ", make("span", { class: "note" }, limitsOf(parameter.schema))));
}

/** What a body looks like, for each of its content types. */
function bodies(content) {
  return Object.entries(content || {}).map(([kind, body]) => {
    const examples = [body.example, ...Object.values(body.examples || {}).map((example) => example.value)];
    return make("div", {}, make("p", { class: "note" }, kind, ": ", typeOf(body.schema)),
      table(["Field", "Type", ""], fieldRows(body.schema, "", 0)),
      examples.filter((example) => example !== undefined)
        .map((example) => make("pre", {}, JSON.stringify(example, null, 2))));
  });
}

function responseDetails([status, response]) {
  const headers = Object.entries(response.headers || {});
  return make("details", status.startsWith("2") ? { open: "" } : {},
    make("summary", {}, make("strong", {}, status), " ", prose(response.description)),
    headers.length ? make("p", { class: "note" }, "Headers: ", headers.map(([name]) => name).join(", ")) : null,
    bodies(response.content));
}

function securityText(operation) {
  const ways = (operation.security || []).map((one) => Object.keys(one).join(" and ") || "none");
  return ways.length ? `Proof: ${ways.join(", or ")}` : "No proof needed";
}

function operationSection(path, method, operation) {
  return make("section", { id: operation.operationId || `${method}${path}` },
    make("h3", {}, make("span", { class: "method" }, method.toUpperCase()), " ", path),
    make("p", {}, prose(operation.summary)),
    operation.description ? make("p", {}, prose(operation.description)) : null,
    make("p", { class: "note" }, securityText(operation)),
    table(["Parameter", "In", "Type", ""], (operation.parameters || []).map(parameterRow)),
    operation.requestBody ? [make("h4", {}, "Body"), bodies(operation.requestBody.content)] : null,
    make("h4", {}, "Answers"), Object.entries(operation.responses || {}).map(responseDetails));
}

function show(api) {
  components = (api.components || {}).schemas || {};
  const operations = Object.entries(api.paths || {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, operation: item[method] })));
  const content = document.getElementById("content");
  const index = document.getElementById("index");
  content.replaceChildren(
    make("h1", {}, `${api.info.title} ${api.info.version}`),
    make("p", {}, prose(api.info.description)),
    make("p", {}, make("a", { href: "/openapi.json" }, "openapi.json"), " · ", make("a", { href: "/docs/errors" }, "errors")));
  for (const tag of api.tags || []) {
    const ours = operations.filter(({ operation }) => (operation.tags || []).includes(tag.name));
    if (ours.length === 0) continue;
    const id = `tag-${tag.name.replaceAll(" ", "-")}`;
    content.append(make("h2", { id }, tag.name), make("p", {}, prose(tag.description)));
    const links = ours.map(({ path, method, operation }) => {
      content.append(operationSection(path, method, operation));
      return make("a", { href: `#${operation.operationId || `${method}${path}`}` },
        make("span", { class: "method" }, method.toUpperCase()), path);
    });
    index.append(make("div", {}, make("h2", {}, tag.name), links));
  }
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function find(event) {
  const wanted = event.target.value.trim().toLowerCase();
  for (const link of document.querySelectorAll("#index a")) {
    link.hidden = !link.textContent.toLowerCase().includes(wanted);
  }
}

document.getElementById("find").addEventListener("input", find);
fetch("/openapi.json").then((answer) => answer.json()).then(show).catch((error) => {
  document.getElementById("waiting").textContent = `The document cannot be read: ${error}`;
});
