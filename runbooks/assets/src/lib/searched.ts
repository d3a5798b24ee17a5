// Long lists to choose from get a field above them that narrows them down as one types. Without this script the list is
// whole, and works as any other.
import { element } from "./dom";
import { text } from "./texts";

const ROWS = 8;

export function setUpSearch(list: HTMLSelectElement): void {
  const options = [...list.options];
  const field = element("input", "form-control searched-field");
  field.type = "search";
  field.placeholder = text("form.narrow");
  field.setAttribute("aria-label", text("form.narrow_of", { what: list.labels[0]?.textContent?.trim() ?? "" }));
  field.setAttribute("aria-controls", list.id);
  field.autocomplete = "off";
  field.spellcheck = false;
  const count = element("output", "help");
  const narrow = (): void => {
    const fitting = fittingOf(options, field.value);
    const chosen = list.value;
    list.replaceChildren(...options.filter((option) => fitting.has(option) || option.value === chosen));
    list.value = chosen;
    count.textContent = text("form.narrowed", { n: fitting.size, of: options.filter((option) => option.value).length });
  };
  field.addEventListener("input", (event) => {
    event.stopPropagation(); // this is no value of the form
    narrow();
  });
  field.addEventListener("change", (event) => event.stopPropagation());
  field.addEventListener("keydown", (event) => move(event, list));
  list.size = ROWS;
  list.classList.add("searched");
  list.before(field);
  list.after(count);
  narrow();
}

function fittingOf(options: HTMLOptionElement[], typed: string): Set<HTMLOptionElement> {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (option: HTMLOptionElement): boolean => words.every((word) => option.text.toLowerCase().includes(word));
  return new Set(options.filter((option) => option.value !== "" && fits(option)));
}

/** Arrow down goes into the list; Enter takes the one that is left. */
function move(event: KeyboardEvent, list: HTMLSelectElement): void {
  if (event.key !== "ArrowDown" && event.key !== "Enter") return;
  event.preventDefault();
  const rest = [...list.options].filter((option) => option.value && !option.disabled);
  const first = rest.find((option) => !option.selected) ?? rest[0];
  if (event.key === "Enter" && rest.filter((option) => !option.selected).length > 1) return;
  if (first && (event.key === "Enter" || !list.value)) {
    list.value = first.value;
    list.dispatchEvent(new Event("change", { bubbles: true }));
  }
  if (event.key === "ArrowDown") list.focus();
}
