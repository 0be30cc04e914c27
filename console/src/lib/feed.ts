// The live feed: server-sent events, read from a response's body, since a session's requests carry a header that
// EventSource cannot send. A feed that breaks goes on where it was; what could not be told in between is counted.

import { ApiError, stream } from "./api";
import type { EventRow } from "./reports";
import { connection, session } from "./session.svelte";

/** An event whose verdict changed later. It may be told again after a break. */
export type Amended = EventRow & { kind: string; at: string; status: string; monitoring_mode: boolean; rejection: string | null };

export interface Told {
  /** Rows in the order they were judged. */
  rows: (rows: EventRow[]) => void;
  /** Verdicts that changed. */
  amended?: (all: Amended[]) => void;
  /** So many events came and are not told; `exact`: no more than these. */
  lost: (count: number, exact: boolean) => void;
  /** Why there is no feed at the moment; null while there is one. */
  problem: (why: string | null) => void;
}

interface Message {
  id: string;
  event: string;
  data: string;
}

/** How long to wait before a feed that ended is asked for again, in milliseconds. */
const AGAIN = 2000;

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

/** Follows an integration's events until `signal` ends it. Answers the id to go on from. */
export async function follow(integration: string, from: string, told: Told, signal: AbortSignal): Promise<string> {
  let last = from;
  const take = (messages: Message[]): string | undefined => {
    const rows = messages.filter((one) => one.event === "row");
    last = rows.at(-1)?.id ?? last;
    if (rows.length > 0) told.rows(rows.map((one) => JSON.parse(one.data)));
    const amended = messages.filter((one) => one.event === "amended");
    if (amended.length > 0) told.amended?.(amended.map((one) => JSON.parse(one.data)));
    for (const one of messages.filter((other) => other.event === "lost")) {
      const { count, exact } = JSON.parse(one.data);
      told.lost(count, exact);
    }
    const end = messages.find((one) => one.event === "end");
    return end && JSON.parse(end.data).reason;
  };
  while (!signal.aborted) {
    let wait = AGAIN;
    try {
      const response = await stream("/tollgate/v1/live", { query: { integration_id: integration }, lastEventId: last, signal });
      told.problem(null);
      const reason = await read(response, take);
      if (reason === "credential") await session.again();
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof ApiError) {
        told.problem(error.message);
        wait = 1000 * Math.max(error.retryAfter ?? 0, 2);
      } else {
        await connection.back();
        wait = 0;
      }
    }
    await pause(wait, signal);
  }
  return last;
}

/** Reads messages until the body ends or says that it does, and why. */
async function read(response: Response, take: (messages: Message[]) => string | undefined): Promise<string | undefined> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    const blocks = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    const reason = take(blocks.map(messageOf));
    if (reason) return reason;
  }
}

/** One block of lines; comments, and what is not asked for, say nothing. */
function messageOf(block: string): Message {
  const message: Message = { id: "", event: "", data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, name, text] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name) message[name as keyof Message] = text ?? "";
  }
  return message;
}
