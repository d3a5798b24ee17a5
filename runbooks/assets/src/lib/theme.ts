import { readSetting, writeSetting } from "./settings";

export type Theme = "light" | "dark" | "system";

const KEY = "opsaas.theme";
const systemDark = matchMedia("(prefers-color-scheme: dark)");

export function storedTheme(): Theme {
  const value = readSetting(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

export function storeTheme(theme: Theme): void {
  writeSetting(KEY, theme);
  applyTheme(theme);
}

export function applyTheme(theme: Theme): void {
  const dark = theme === "dark" || (theme === "system" && systemDark.matches);
  document.documentElement.dataset["bsTheme"] = dark ? "dark" : "light";
  document.dispatchEvent(new CustomEvent("opsaas:theme"));
}

export function isDark(): boolean {
  return document.documentElement.dataset["bsTheme"] === "dark";
}

systemDark.addEventListener("change", () => applyTheme(storedTheme()));
