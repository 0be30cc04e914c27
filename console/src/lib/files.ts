// Files that the page itself has, given to the user.

/** Saves a text as a file. */
export function saveAs(name: string, type: string, content: string) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
