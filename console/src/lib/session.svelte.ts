// Who is signed in. The session itself is in a cookie that no script can read; what is kept here is gone with the page.

import { ApiError } from "./refusal";
import { notes } from "./notes.svelte";
import type { components } from "./openapi";

export type SessionBody = components["schemas"]["Session"];
export type Organization = SessionBody["organization"];

const SESSION = "/tollgate/v1/session";

/** Whether the server answers. */
class Connection {
  lost = $state(false);
  private asking: Promise<void> | null = null;

  /** Waits until the server answers again, whatever it says. Whoever waits, it is asked once. */
  back(): Promise<void> {
    this.lost = true;
    this.asking ??= this.ask().finally(() => (this.asking = null));
    return this.asking;
  }

  private async ask() {
    for (let wait = 500; this.lost; wait = Math.min(wait * 2, 5000)) {
      await new Promise((done) => setTimeout(done, wait));
      this.lost = !(await fetch(SESSION).then(() => true, () => false));
    }
  }
}

export const connection = new Connection();

class Session {
  who = $state.raw<SessionBody | null>(null);
  /** `asking`: not known yet; `choosing`: a link to choose a password was followed; `out`: nobody; `in`; `over`: the session ended while the page was in use. */
  state = $state<"asking" | "choosing" | "out" | "in" | "over">("asking");
  /** What the link to choose a password has. */
  private link = "";
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
    const [, sort, secret] = /^#(invitation|choose-password)=([0-9a-f]+)$/.exec(location.hash) ?? [];
    if (secret) history.replaceState(null, "", location.pathname + location.search);
    if (secret && sort === "choose-password") {
      [this.link, this.state] = [secret, "choosing"];
      return;
    }
    if (secret && (await this.post({ invitation: secret }))) return;
    for (;;) {
      const response = await fetch(SESSION).catch(() => null);
      if (response?.ok) return this.begin(await response.json());
      if (response) return void (this.state = "out");
      await connection.back();
    }
  }

  /** Signs in, to an organization where it is said which. Answers why not, or nothing; or the organizations of which one has
   * to be named, since the password opens several. */
  async signIn(email: string, password: string, organization?: string): Promise<string | Organization[] | null> {
    const response = await fetch(SESSION, json({ email, password, organization })).catch(() => null);
    if (!response) return "The server does not answer.";
    if (response.status === 409) return (await response.json()).organizations;
    if (response.status === 429) return `Too many attempts. Try again in ${response.headers.get("retry-after")} seconds.`;
    if (!response.ok) return "The address or the password is not right.";
    this.begin(await response.json());
    const kept = await fetch(SESSION).catch(() => null);
    if (kept?.ok) return null;
    this.state = "out";
    return "This browser kept no session: over plain HTTP that works on the server's own machine only. Use HTTPS.";
  }

  /** Chooses the password that a link is for, which signs in. Answers why not, or nothing. */
  async choose(password: string): Promise<string | null> {
    const response = await fetch(SESSION, json({ invitation: this.link, new_password: password })).catch(() => null);
    if (!response) return "The server does not answer.";
    if (response.status === 401) return "This link was used already, or it is too old. Ask an owner for another one.";
    if (!response.ok) return (await ApiError.of(response)).full;
    this.begin(await response.json());
    return null;
  }

  /** Signs out. The page stays, and says so, where the session did not end. */
  async signOut() {
    const response = await fetch(SESSION, { method: "DELETE", headers: { "X-CSRF-Token": this.csrf } }).catch(() => null);
    // A session that was over already is one that has ended.
    if (response?.ok || response?.status === 401) {
      location.assign("/console/");
      return;
    }
    const why = response ? `the server answered ${response.status}` : "the server does not answer";
    notes.add("failed", `You are still signed in: ${why}. Sign out again before you leave this machine.`);
  }

  /** Waits until the user has signed in again over the page. */
  again(): Promise<void> {
    this.state = "over";
    return new Promise((done) => this.waiting.push(done));
  }

  private async post(body: object): Promise<boolean> {
    const response = await fetch(SESSION, json(body)).catch(() => null);
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
