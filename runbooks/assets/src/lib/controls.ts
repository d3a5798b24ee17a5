// Small behaviours that templates ask for with data attributes.
import { all, need } from "./dom";
import { storeTheme, storedTheme, type Theme } from "./theme";
import { text } from "./texts";

/** Says something once to screen readers, through the page's one polite live region. */
export function announce(message: string): void {
  const region = document.querySelector("#announcer");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = message), 50);
}

/** `data-copy="#id"` copies that element's text, `data-copy-text="…"` the text itself. */
export function setUpCopying(): void {
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy], [data-copy-text]") : null;
    if (!button) return;
    const source = button.dataset["copy"];
    const value = button.dataset["copyText"] ?? (source ? document.querySelector(source)?.textContent : "") ?? "";
    const done = await copyText(value.trim());
    announce(text(done ? "copy.done" : "copy.failed"));
    const label = button.querySelector("[data-copy-label]");
    if (!label) return;
    const before = label.textContent;
    label.textContent = text(done ? "copy.done" : "copy.failed");
    setTimeout(() => (label.textContent = before), 1600);
  });
}

/** Over plain http browsers offer no clipboard object: then through a selection. */
export async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = value;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** `data-open="#dialog"` opens a dialog; `data-close` inside it, or a click beside it, closes it. */
export function setUpDialogs(): void {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const opener = target?.closest<HTMLElement>("[data-open]");
    if (opener) {
      const dialog = document.querySelector<HTMLDialogElement>(opener.dataset["open"] ?? "");
      if (dialog) {
        event.preventDefault();
        if (dialog.matches(":popover-open")) dialog.hidePopover(); // opened before this script was there
        dialog.showModal();
      }
      return;
    }
    const dialog = target?.closest<HTMLDialogElement>("dialog.sheet");
    if (dialog && (target === dialog || target?.closest("[data-close]"))) dialog.close();
  });
}

/** Drop-downs are <details class="menu">: they close on Escape, on a click elsewhere, and when the focus leaves. */
export function setUpMenus(): void {
  const closeOthers = (inside: Node | null): void => {
    for (const menu of all<HTMLDetailsElement>(document, "details.menu[open]")) {
      if (!inside || !menu.contains(inside)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => closeOthers(event.target as Node));
  document.addEventListener("focusin", (event) => closeOthers(event.target as Node));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector<HTMLDetailsElement>("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}

/** On a narrow window the navigation is longer than its row: where one is, is in sight. */
export function showWhereOneIs(): void {
  for (const link of all(document, ".main-nav [aria-current], .tabs [aria-current]")) {
    const row = link.parentElement?.closest<HTMLElement>(".main-nav, .tabs");
    if (row) row.scrollLeft = Math.max(0, link.offsetLeft - row.offsetLeft + link.offsetWidth - row.clientWidth + 24);
  }
}

export function setUpThemeSwitch(): void {
  const buttons = all<HTMLButtonElement>(document, "[data-theme-choice]");
  const show = (): void => {
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset["themeChoice"] === storedTheme()));
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      storeTheme(button.dataset["themeChoice"] as Theme);
      show();
      button.closest("details")?.removeAttribute("open");
    });
  }
  show();
}

/** `data-guard-enter` on a form: Enter in a field must not send it (a run starts by its button only). */
export function setUpEnterGuards(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    if (event.target.closest("form[data-guard-enter]")) event.preventDefault();
  });
}

export function setUpSearchKey(): (event: KeyboardEvent) => void {
  return (event) => {
    event.preventDefault();
    need<HTMLInputElement>(document, "main input[type=search], .top-search input").focus();
  };
}
