// Loaded by the form that starts a run: "the same from elsewhere" follows what is typed.
import { asCommand, asCurl, asLink, type Request, type Value } from "./lib/run_request";
import { all, element, need } from "./lib/dom";
import { setUpSearch } from "./lib/searched";
import { text } from "./lib/texts";
import { local } from "./lib/times";
import { setUpUnseen } from "./lib/unseen";

const form = need<HTMLFormElement>(document, "#run-form");
const panel = need(document, "#copy-as");

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** What the field means, as the server reads it: an empty one is no value, a number that is none stays text. */
function valueOf(field: Field): Value | undefined {
  const kind = field.dataset["type"];
  if (kind === "choices") return field instanceof HTMLInputElement && field.checked ? [field.value] : undefined;
  if (kind === "file") return chosenFile(field);
  if (kind === "datetime") return momentOf(field.value);
  if (field instanceof HTMLInputElement && field.type === "checkbox") return field.checked;
  if (field instanceof HTMLInputElement && field.type === "radio" && !field.checked) return undefined;
  if (field.value === "") return undefined;
  const number = kind === "integer" || kind === "number" ? Number(field.value) : NaN;
  return Number.isNaN(number) ? field.value : number;
}

function chosenFile(field: Field): Value | undefined {
  const file = field instanceof HTMLInputElement ? field.files?.[0] : undefined;
  return file ? { file: file.name } : undefined;
}

/** Name, size and hash of a chosen file go to the panel; its content is sent with the form alone. */
async function noteFile(field: HTMLInputElement): Promise<void> {
  const note = field.parentElement?.querySelector<HTMLInputElement>("[data-kept]");
  const file = field.files?.[0];
  tellFile(field, file);
  if (!note) return;
  note.dataset["earlier"] ??= note.value;
  note.value = file ? JSON.stringify({ name: file.name, size: file.size, sha256: await digestOf(file) }) : note.dataset["earlier"];
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Before anything is sent: what was chosen, and whether it is too large to be taken. */
function tellFile(field: HTMLInputElement, file: File | undefined): void {
  const place = field.parentElement?.querySelector<HTMLElement>("output.file-told") ?? element("output", "help file-told");
  const most = Number(field.dataset["most"]);
  const size = file?.size.toLocaleString("en") ?? "";
  const tooLarge = file !== undefined && most > 0 && file.size > most;
  place.textContent = file ? text(tooLarge ? "form.too_large" : "form.chosen", { name: file.name, size, most: most.toLocaleString("en") }) : "";
  place.classList.toggle("error-text", tooLarge);
  if (!place.isConnected) field.after(place);
}

/** Only for the panel: the server makes its own. None of what is too large anyway, or where the browser makes none. */
async function digestOf(file: File): Promise<string> {
  if (file.size > 1 << 20 || !isSecureContext) return "0".repeat(64);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

for (const field of all<HTMLInputElement>(form, "input[type=file]")) field.addEventListener("change", () => void noteFile(field));

/** As RFC 3339 writes it; the field is in UTC. */
function momentOf(typed: string): string | undefined {
  const found = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?$/.exec(typed);
  return found ? `${found[1]}T${found[2]}${found[3] ?? ":00"}Z` : typed || undefined;
}

function request(): Request {
  const found = new Map<string, Value>();
  for (const field of all<Field>(form, "[data-parameter]")) {
    const value = valueOf(field);
    if (value === undefined) continue;
    const name = field.dataset["parameter"] ?? "";
    const before = found.get(name);
    found.set(name, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value);
  }
  const values = [...found];
  const version = form.dataset["version"];
  return {
    runbook: form.dataset["runbook"] ?? "",
    values,
    reason: form.querySelector<HTMLInputElement>("[data-reason]")?.value.trim() ?? "",
    version: version ? Number(version) : null,
  };
}

/** What a moment in UTC is on the clock of whoever fills the form in. */
function showLocalTimes(): void {
  for (const field of all<HTMLInputElement>(form, "[data-type=datetime]")) {
    const place = field.parentElement?.querySelector("output") ?? element("output", "help local-time");
    const moment = new Date(momentOf(field.value) ?? "");
    place.textContent = Number.isNaN(moment.getTime()) ? "" : text("form.local_time", { time: local(moment) });
    if (!place.isConnected) field.after(place);
  }
}

function show(): void {
  showLocalTimes();
  const asked = request();
  need(panel, "#copy-cli").textContent = asCommand(asked);
  need(panel, "#copy-curl").textContent = asCurl(asked, location.origin);
  need(panel, "#copy-link").textContent = asLink(asked, `${location.origin}${location.pathname}`);
}

for (const list of all<HTMLSelectElement>(form, "select[data-searched]")) setUpSearch(list);
for (const field of all<HTMLInputElement>(form, "input[type=password]")) setUpUnseen(field);
form.addEventListener("input", show);
form.addEventListener("change", show);
show();
panel.hidden = false;
