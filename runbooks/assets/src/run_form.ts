// Loaded by the form that starts a run: "the same from elsewhere" follows what is typed.
import { asCommand, asCurl, asLink, type Request, type Value } from "./lib/run_request";
import { all, need } from "./lib/dom";

const form = need<HTMLFormElement>(document, "#run-form");
const panel = need(document, "#copy-as");

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** What the field means, as the server reads it: an empty one is no value, a number that is none stays text. */
function valueOf(field: Field): Value | undefined {
  const kind = field.dataset["type"];
  if (field instanceof HTMLInputElement && field.type === "checkbox") return field.checked;
  if (field instanceof HTMLInputElement && field.type === "radio" && !field.checked) return undefined;
  if (field.value === "") return undefined;
  const number = kind === "integer" || kind === "number" ? Number(field.value) : NaN;
  return Number.isNaN(number) ? field.value : number;
}

function request(): Request {
  const values: [string, Value][] = [];
  for (const field of all<Field>(form, "[data-parameter]")) {
    const value = valueOf(field);
    if (value !== undefined) values.push([field.dataset["parameter"] ?? "", value]);
  }
  const version = form.dataset["version"];
  return {
    runbook: form.dataset["runbook"] ?? "",
    values,
    reason: form.querySelector<HTMLInputElement>("[data-reason]")?.value.trim() ?? "",
    version: version ? Number(version) : null,
  };
}

function show(): void {
  const asked = request();
  need(panel, "#copy-cli").textContent = asCommand(asked);
  need(panel, "#copy-curl").textContent = asCurl(asked, location.origin);
  need(panel, "#copy-link").textContent = asLink(asked, `${location.origin}${location.pathname}`);
}

form.addEventListener("input", show);
form.addEventListener("change", show);
show();
panel.hidden = false;
