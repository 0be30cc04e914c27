// The API, as the pages ask it. A session that ends in the middle is begun again over the page, and the request is sent
// again after it: nothing that was typed is lost. A server that does not answer is asked again until it does.

import { ApiError } from "./refusal";
import { connection, session } from "./session.svelte";

export { ApiError };

export interface Options {
  method?: string;
  body?: unknown;
  /** A body that is no JSON, with its type. */
  text?: { type: string; content: string };
  query?: Record<string, string | number | boolean | string[] | undefined | null>;
  ifMatch?: string | null;
  /** Of a feed: the last event that was received. */
  lastEventId?: string;
  signal?: AbortSignal;
}

/** An answer and the version of what it is about. */
export interface Answer<T> {
  data: T;
  etag: string | null;
}

export function address(path: string, query: Options["query"] = {}): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) all.append(name, String(one));
  }
  const text = all.toString();
  return text ? `${path}?${text}` : path;
}

async function send(path: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = { "X-CSRF-Token": session.csrf };
  let body: string | undefined;
  if (options.text) {
    headers["Content-Type"] = options.text.type;
    body = options.text.content;
  } else if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.body);
  }
  if (options.ifMatch) headers["If-Match"] = options.ifMatch;
  if (options.lastEventId) headers["Last-Event-ID"] = options.lastEventId;
  const method = options.method ?? "GET";
  for (;;) {
    try {
      const response = await fetch(address(path, options.query), { method, headers, body: body ?? null, signal: options.signal ?? null });
      connection.lost = false;
      return response;
    } catch (error) {
      if (options.signal?.aborted) throw error;
      const back = connection.back();
      // Reading again does no harm; whether a change arrived is not known.
      if (method !== "GET") throw new ApiError(0, "unreachable", "The server does not answer. Nothing of this page is lost: try again.");
      await back;
      options.signal?.throwIfAborted();
    }
  }
}

async function answered(path: string, options: Options): Promise<Response> {
  for (;;) {
    const response = await send(path, options);
    if (response.ok) return response;
    const error = await ApiError.of(response);
    const isOver = error.status === 401 || error.code === "csrf_refused";
    if (!isOver) throw error;
    await session.again();
  }
}

/** Asks for JSON, with the version that the answer is of. */
export async function request<T>(path: string, options: Options = {}): Promise<Answer<T>> {
  const response = await answered(path, options);
  const text = await response.text();
  return { data: (text ? JSON.parse(text) : null) as T, etag: response.headers.get("etag") };
}

/** Asks for JSON. */
export async function api<T>(path: string, options: Options = {}): Promise<T> {
  return (await request<T>(path, options)).data;
}

/** Asks for text, with the version that it is of. */
export async function text(path: string, options: Options = {}): Promise<Answer<string>> {
  const response = await answered(path, options);
  return { data: await response.text(), etag: response.headers.get("etag") };
}

/** Asks for what comes piece by piece. */
export const stream = answered;

/** What to tell of an error. */
export function said(error: unknown): string {
  return error instanceof ApiError ? error.full : error instanceof Error ? error.message : String(error);
}
