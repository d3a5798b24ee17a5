// A request for a run in the forms that people paste elsewhere.
export type Value = string | number | boolean;

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
  for (const [name, value] of asked.values) words.push("-p", shellWord(`${name}=${value}`));
  if (asked.reason) words.push("--reason", shellWord(asked.reason));
  if (asked.version) words.push("--version", String(asked.version));
  return [...words, "--follow"].join(" ");
}

export function asCurl(asked: Request, origin: string): string {
  const body: Record<string, unknown> = { runbook: asked.runbook, parameters: Object.fromEntries(asked.values) };
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
  const query = new URLSearchParams(asked.values.map(([name, value]) => [`p-${name}`, String(value)]));
  if (asked.reason) query.set("reason", asked.reason);
  if (asked.version) query.set("version", String(asked.version));
  return query.size ? `${form}?${query}` : form;
}
