// Words shown by scripts. They are translated on the server (runbooks/web/texts.py) and reach us as a JSON block.
let texts: Record<string, string> | undefined;

export function text(key: string, values: Record<string, string | number> = {}): string {
  texts ??= JSON.parse(document.getElementById("texts")?.textContent ?? "{}") as Record<string, string>;
  const one = values["n"] === 1 ? texts[`${key}_one`] : undefined;
  return fill(one ?? texts[key] ?? key, values);
}

export function fill(pattern: string, values: Record<string, string | number>): string {
  return pattern.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? value.toLocaleString() : value;
  });
}
