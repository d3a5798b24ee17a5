// A request for a run in the forms that people paste elsewhere.
export interface ChosenFile {
  file: string; // its name
}
export type Value = string | number | boolean | string[] | ChosenFile;

export interface Request {
  runbook: string; // "project/slug"
  values: [name: string, value: Value][];
  reason: string;
  version: number | null; // null: the published one
}

/** TEXT as one word of a shell: single quotes carry everything but a single quote. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function asCommand(asked: Request): string {
  const words = ["opsaas", "run", shellWord(asked.runbook)];
  for (const [name, value] of each(asked.values)) words.push("-p", shellWord(`${name}=${isFile(value) ? `@${value.file}` : value}`));
  if (asked.reason) words.push("--reason", shellWord(asked.reason));
  if (asked.version) words.push("--version", String(asked.version));
  return [...words, "--follow"].join(" ");
}

export function asCurl(asked: Request, origin: string): string {
  const body: Record<string, unknown> = { runbook: asked.runbook, parameters: Object.fromEntries(asked.values.map(sent)) };
  if (asked.reason) body["reason"] = asked.reason;
  if (asked.version) body["version"] = asked.version;
  return [
    `curl --json ${shellWord(JSON.stringify(body))}`,
    `--header "Authorization: Bearer $OPSAAS_TOKEN"`,
    shellWord(`${origin}/api/v1/runs`),
  ].join(" \\\n  ");
}

/** Fills the form in; it starts nothing. */
export function asLink(asked: Request, form: string): string {
  const query = new URLSearchParams(each(asked.values).filter(([, value]) => !isFile(value)).map(([name, value]) => [`p-${name}`, String(value)]));
  if (asked.reason) query.set("reason", asked.reason);
  if (asked.version) query.set("version", String(asked.version));
  return query.size ? `${form}?${query}` : form;
}

/** Several choices are named one by one. */
function each(values: Request["values"]): [name: string, value: Value][] {
  return values.flatMap(([name, value]) => (Array.isArray(value) ? value.map((one): [string, Value] => [name, one]) : [[name, value] as [string, Value]]));
}

function isFile(value: Value): value is ChosenFile {
  return typeof value === "object" && !Array.isArray(value);
}

/** A file goes as its name and its content, which is for whoever sends it to put in. */
function sent([name, value]: [name: string, value: Value]): [string, unknown] {
  return [name, isFile(value) ? { name: value.file, content: "BASE64" } : value];
}
