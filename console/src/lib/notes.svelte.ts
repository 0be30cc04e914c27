// Short messages at the edge of the page: what was done, with a way to undo it, or what went wrong.

export interface Note {
  id: number;
  kind: "done" | "failed";
  text: string;
  undo?: (() => Promise<void>) | undefined;
}

class Notes {
  all = $state.raw<Note[]>([]);
  private last = 0;

  add(kind: Note["kind"], text: string, undo?: () => Promise<void>) {
    const id = (this.last += 1);
    this.all = [...this.all.slice(-3), { id, kind, text, undo }];
    if (kind === "done") setTimeout(() => this.remove(id), undo ? 30_000 : 6_000);
  }

  remove(id: number) {
    this.all = this.all.filter((note) => note.id !== id);
  }
}

export const notes = new Notes();
