// Ctrl-K: a dialog that searches runbooks, runs and pages. The server answers with links; arrows move between them.
import { all, need } from "./dom";
import { onKey } from "./keys";

export function setUpPalette(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#palette");
  if (!dialog) return;
  const input = need<HTMLInputElement>(dialog, "input");
  const results = need(dialog, ".palette-results");
  let chosen = 0;

  const links = (): HTMLAnchorElement[] => all<HTMLAnchorElement>(results, "a");
  const choose = (index: number): void => {
    const found = links();
    chosen = found.length ? (index + found.length) % found.length : 0;
    found.forEach((link, at) => {
      link.id = `palette-${at}`;
      link.setAttribute("aria-selected", String(at === chosen));
    });
    const current = found[chosen];
    if (current) input.setAttribute("aria-activedescendant", current.id);
    else input.removeAttribute("aria-activedescendant");
    current?.scrollIntoView({ block: "nearest" });
  };
  const open = (event: Event): void => {
    event.preventDefault();
    if (!dialog.open) dialog.showModal();
    input.select();
    input.dispatchEvent(new Event("palette-open"));
  };

  onKey("Ctrl-K", open);
  for (const button of all(document, "[data-open-palette]")) button.addEventListener("click", open);
  results.addEventListener("htmx:afterSwap", () => choose(0));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Escape") dialog.close(); // a search field would only empty itself
    else if (event.key === "Enter") links()[chosen]?.click();
    else return;
    event.preventDefault();
  });
}
