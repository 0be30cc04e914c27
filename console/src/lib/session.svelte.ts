// Who is signed in. The session itself is in a cookie that no script can read; what is kept here is gone with the page.

import type { components } from "./openapi";

export type SessionBody = components["schemas"]["Session"];

/** Whether the server answers. */
class Connection {
  lost = $state(false);
}

export const connection = new Connection();

class Session {
  who = $state.raw<SessionBody | null>(null);
  /** `asking`: not known yet; `out`: nobody; `in`; `over`: the session ended while the page was in use. */
  state = $state<"asking" | "out" | "in" | "over">("asking");
  private waiting: (() => void)[] = [];

  get csrf(): string {
    return this.who?.csrf_token ?? "";
  }

  /** What the role allows, as far as the page shows it; the API holds to it whatever is shown. */
  get mayWrite(): boolean {
    return this.who !== null && this.who.user.role !== "analyst";
  }

  get isOwner(): boolean {
    return this.who?.user.role === "owner";
  }

  /** Finds out who is signed in; an invitation in the address is used up for that. */
  async open() {
    const invitation = /^#invitation=([0-9a-f]+)$/.exec(location.hash)?.[1];
    if (invitation) {
      history.replaceState(null, "", location.pathname + location.search);
      if (await this.post({ invitation })) return;
    }
    const response = await fetch("/tollgate/v1/session").catch(() => null);
    connection.lost = response === null;
    if (response?.ok) this.begin(await response.json());
    else this.state = "out";
  }

  /** Signs in. Answers why not, or nothing. */
  async signIn(email: string, password: string): Promise<string | null> {
    const response = await fetch("/tollgate/v1/session", json({ email, password })).catch(() => null);
    if (!response) return "The server does not answer.";
    if (response.status === 429) return `Too many attempts. Try again in ${response.headers.get("retry-after")} seconds.`;
    if (!response.ok) return "The address or the password is not right.";
    this.begin(await response.json());
    const kept = await fetch("/tollgate/v1/session").catch(() => null);
    if (kept?.ok) return null;
    this.state = "out";
    return "This browser kept no session: over plain HTTP that works on the server's own machine only. Use HTTPS.";
  }

  async signOut() {
    await fetch("/tollgate/v1/session", { method: "DELETE", headers: { "X-CSRF-Token": this.csrf } }).catch(() => null);
    location.assign("/console/");
  }

  /** Waits until the user has signed in again over the page. */
  again(): Promise<void> {
    this.state = "over";
    return new Promise((done) => this.waiting.push(done));
  }

  private async post(body: object): Promise<boolean> {
    const response = await fetch("/tollgate/v1/session", json(body)).catch(() => null);
    if (response?.ok) this.begin(await response.json());
    return response?.ok ?? false;
  }

  private begin(who: SessionBody) {
    // Who signs in as someone else gets a page without what was the other's.
    if (this.who && this.who.user.id !== who.user.id) location.reload();
    this.who = who;
    this.state = "in";
    for (const done of this.waiting.splice(0)) done();
  }
}

function json(body: object): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

export const session = new Session();
