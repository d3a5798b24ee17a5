// Keyboard shortcuts. Single keys can be switched off (WCAG 2.1.4); Ctrl-K always works.
import { isTyping, need } from "./dom";
import { readSetting, writeSetting } from "./settings";

const SETTING = "opsaas.keys";
const PRESSED = "opsaas:key"; // an event of the page, because each bundle has its own copy of this module

export function singleKeysAreOn(): boolean {
  return readSetting(SETTING) !== "off";
}

export function switchSingleKeys(on: boolean): void {
  writeSetting(SETTING, on ? "on" : "off");
}

export function onKey(key: string, action: (event: KeyboardEvent) => void): void {
  document.addEventListener(PRESSED, (event) => {
    const { detail } = event as CustomEvent<{ key: string; event: KeyboardEvent }>;
    if (detail.key === key) action(detail.event);
  });
}

export function listenForKeys(): void {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      press("Ctrl-K", event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !singleKeysAreOn()) return;
    if (document.querySelector("dialog[open]")) return;
    press(event.key, event);
  });
}

function press(key: string, event: KeyboardEvent): void {
  document.dispatchEvent(new CustomEvent(PRESSED, { detail: { key, event } }));
}

export function setUpHelp(): void {
  const dialog = need<HTMLDialogElement>(document, "#keys");
  const toggle = need<HTMLInputElement>(dialog, "[data-single-keys]");
  toggle.checked = singleKeysAreOn();
  toggle.addEventListener("change", () => switchSingleKeys(toggle.checked));
  onKey("?", (event) => {
    event.preventDefault();
    dialog.showModal();
  });
}
