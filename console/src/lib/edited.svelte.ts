// An object that is being edited: as the server has it, and as it stands in the form. Whenever the server's state comes
// anew, what is changed in the form is laid upon it: nothing that was typed is lost, nothing of others overwritten unseen.

import { untrack } from "svelte";
import { ApiError, type Answer } from "./api";
import { changes, type Change } from "./diff";
import { laid, patchOf } from "./laid";

export class Edited<T extends object> {
  base = $state.raw<T | null>(null);
  draft = $state<T | null>(null);
  etag = $state.raw<string | null>(null);
  /** What somebody else changed since it was opened, where that kept one's own from being stored. */
  theirs = $state.raw<Change[]>([]);
  /** What is different in the form. */
  different = $derived(this.base && this.draft ? changes(this.base, $state.snapshot(this.draft)) : []);

  /** Takes the server's state, with what is changed in the form laid upon it. */
  take(now: Answer<T>) {
    // Whoever takes it while an effect runs does not depend on what is in the form.
    untrack(() => {
      this.draft = this.base && this.draft ? laid(this.base, $state.snapshot(this.draft) as T, now.data) : now.data;
      this.base = now.data;
      this.etag = now.etag;
    });
  }

  /** Forgets everything, for another object. */
  clear() {
    [this.base, this.draft, this.etag, this.theirs] = [null, null, null, []];
  }

  /** Stores what is different. `false`: somebody else was faster; theirs is to be shown, and mine to be stored again. */
  async save(put: (change: Record<string, unknown>, etag: string | null) => Promise<unknown>, read: () => Promise<Answer<T>>): Promise<boolean> {
    while (this.base && this.draft) {
      const sent = $state.snapshot(this.draft) as T;
      try {
        await put(patchOf(this.base, sent), this.etag);
        this.base = sent;
        this.theirs = [];
        return true;
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 412)) throw error;
        const now = await read();
        this.theirs = changes(this.base, now.data);
        this.take(now);
        // Nothing of it is different: the version was one's own of a moment ago.
        if (this.theirs.length > 0) return false;
      }
    }
    return false;
  }
}
