// Data of a screen: loaded whenever what it depends on changes. An older answer never replaces a newer one.

import { said } from "./api";

export class Load<T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state<string | null>(null);
  busy = $state(false);
  private begin: (signal: AbortSignal) => Promise<T>;
  private running: AbortController | null = null;

  /** `begin` reads what it depends on before it waits for anything. */
  constructor(begin: (signal: AbortSignal) => Promise<T>) {
    this.begin = begin;
    $effect(() => {
      this.again();
      return () => this.running?.abort();
    });
  }

  again(): void {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const answer = this.begin(running.signal);
    void this.take(answer, running);
  }

  /** What is known before the server tells it: answers that are under way are older. */
  set(data: T): void {
    this.running?.abort();
    this.data = data;
    this.busy = false;
  }

  private async take(answer: Promise<T>, running: AbortController) {
    this.busy = true;
    try {
      const data = await answer;
      if (running.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (running.signal.aborted) return;
      this.error = said(error);
    }
    this.busy = false;
  }
}
