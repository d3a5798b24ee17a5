// Long lists to choose from get a field above them that narrows them down as one types. Without this script the list is
// whole, and works as any other.
import { element } from "./dom";
import { text } from "./texts";

const ROWS = 8;

export function setUpSearch(list: HTMLSelectElement): void {
  const first = list.value; // asked before anything is taken out: a drop-down chooses its next option by itself
  const needsOne = list.dataset["searched"] === "required";
  const options = [...list.options].filter((option) => option.value || !needsOne); // a list needs no “Choose …”
  const field = element("input", "form-control");
  field.type = "search";
  field.placeholder = text("form.narrow");
  field.setAttribute("aria-label", text("form.narrow_of", { what: list.labels[0]?.textContent?.trim() ?? "" }));
  field.setAttribute("aria-controls", list.id);
  field.autocomplete = "off";
  field.spellcheck = false;
  const count = element("output", "help");
  const narrow = (chosen: string): void => {
    const fitting = fittingOf(options, field.value);
    list.replaceChildren(...options.filter((option) => fitting.has(option) || option.value === chosen));
    list.value = chosen;
    const found = [...fitting].filter((option) => option.value).length;
    count.textContent = text("form.narrowed", { n: found, of: options.filter((option) => option.value).length });
  };
  field.addEventListener("input", (event) => {
    event.stopPropagation(); // this is no value of the form
    narrow(list.value);
  });
  field.addEventListener("change", (event) => event.stopPropagation());
  field.addEventListener("keydown", (event) => move(event, list));
  list.size = ROWS;
  list.classList.add("searched");
  const head = element("div", "searched-head");
  head.append(field, count);
  list.before(head);
  narrow(first);
}

function fittingOf(options: HTMLOptionElement[], typed: string): Set<HTMLOptionElement> {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (option: HTMLOptionElement): boolean => words.every((word) => option.text.toLowerCase().includes(word));
  return new Set(options.filter((option) => (option.value === "" ? words.length === 0 : fits(option))));
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
