// Light, dark, or as the system says. The choice is all that is kept in the browser.

export type Choice = "auto" | "light" | "dark";

class Theme {
  choice = $state<Choice>("auto");

  constructor() {
    const kept = localStorage.getItem("theme");
    this.set(kept === "light" || kept === "dark" ? kept : "auto");
  }

  set(choice: Choice) {
    this.choice = choice;
    if (choice === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", choice);
    document.documentElement.dataset.theme = choice;
  }

  next() {
    this.set(this.choice === "auto" ? "light" : this.choice === "light" ? "dark" : "auto");
  }
}

export const theme = new Theme();
