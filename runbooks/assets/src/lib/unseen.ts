// A secret value is typed unseen; who wants to look at it while typing, can. One of several lines, as keys have, is pasted
// into a field that keeps the lines.
import { element, icon } from "./dom";
import { text } from "./texts";

export function setUpUnseen(field: HTMLInputElement): void {
  const row = element("div", "unseen");
  const button = element("button", "icon-button");
  button.type = "button";
  button.append(icon("eye"));
  button.setAttribute("aria-label", text("form.show"));
  button.setAttribute("aria-pressed", "false");
  field.replaceWith(row);
  row.append(field, button);
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
  field.addEventListener("paste", (event) => {
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[\r\n]./s.test(pasted.trimEnd())) return; // a single line: its end is nothing that anybody meant
    event.preventDefault();
    const lines = severalLines(field, pasted);
    row.replaceWith(lines);
    lines.focus();
    lines.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

function severalLines(field: HTMLInputElement, content: string): HTMLTextAreaElement {
  const lines = element("textarea", `${field.className} mono unseen-lines`);
  for (const name of ["id", "name", "aria-describedby", "aria-invalid", "maxlength"]) {
    const value = field.getAttribute(name);
    if (value !== null) lines.setAttribute(name, value);
  }
  lines.autocomplete = "off";
  lines.spellcheck = false;
  lines.rows = 4;
  lines.value = content;
  return lines;
}
