// Turns <textarea data-editor> into an editor for YAML. Loaded only by pages where one edits; without it the text area
// works as it is. The editor lives in a shadow root because only there its styles come as constructed style sheets,
// which the content policy allows.
//
//   data-problems="#id"   a JSON block: [{"line": 3, "detail": "what is wrong"}], shown beside the lines
//
// A link with `data-line` goes to that line. Ctrl-S sends the form. Leaving with unsaved text asks first.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { yaml } from "@codemirror/lang-yaml";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { EditorState, type Text } from "@codemirror/state";
import { keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup, EditorView } from "codemirror";
import { all, element } from "./lib/dom";

interface Problem {
  line: number | null;
  detail: string;
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--busy)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--hold)" },
  { tag: tags.comment, color: "var(--ink-soft)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.labelName, tags.typeName], color: "var(--odd)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const LOOKS = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--ink)", fontSize: "13px", minHeight: "24rem", maxHeight: "max(24rem, calc(100dvh - 19rem))" },
  "&.cm-focused": { outline: "2px solid var(--focus)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "0.5rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--surface-inset)", color: "var(--ink-soft)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklab, var(--accent-soft) 45%, transparent)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--surface-inset)", color: "var(--ink-soft)", borderColor: "var(--line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in oklab, var(--accent) 30%, transparent)",
  },
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--mark)" },
  ".cm-panels, .cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-panel :is(input, button)": {
    background: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line-strong)", borderRadius: "4px", font: "inherit",
  },
  ".cm-diagnostic": { borderLeftColor: "var(--bad)" },
  // The library draws these two with data: pictures, which the content policy blocks.
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "3px" },
  ".cm-lint-marker-error": { content: "normal", color: "var(--bad)", fontWeight: "700", textAlign: "center" },
  ".cm-lint-marker-error:before": { content: '"!"' },
});

for (const area of all<HTMLTextAreaElement>(document, "textarea[data-editor]")) enhance(area);

function enhance(area: HTMLTextAreaElement): void {
  const host = element("div", "editor");
  area.after(host);
  const root = host.attachShadow({ mode: "open" });
  const view = new EditorView({ state: stateOf(area), root, parent: root });
  const problems = problemsOf(area);
  view.dispatch(setDiagnostics(view.state, problems.map((problem) => diagnosticOf(problem, view.state.doc))));
  area.hidden = true;
  area.labels?.forEach((label) => label.addEventListener("click", () => view.focus()));
  const first = problems.find((problem) => problem.line);
  if (first?.line) showInside(view, first.line);
  goToLinesOfLinks(view);
  askBeforeLeaving(area, problems.length > 0);
}

function goToLinesOfLinks(view: EditorView): void {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLElement>("a[data-line]") : null;
    if (!link) return;
    event.preventDefault();
    scrollTo(view, Number(link.dataset["line"]));
    view.focus();
  });
}

function askBeforeLeaving(area: HTMLTextAreaElement, refused: boolean): void {
  const saved = area.value;
  let sending = false;
  area.form?.addEventListener("submit", () => (sending = true));
  window.addEventListener("beforeunload", (event) => {
    if (!sending && (refused || area.value !== saved)) event.preventDefault();
  });
}

function stateOf(area: HTMLTextAreaElement): EditorState {
  const attributes: Record<string, string> = { "aria-label": area.labels?.[0]?.textContent?.trim() ?? "", tabindex: "0" };
  const described = area.getAttribute("aria-description");
  if (described) attributes["aria-description"] = described;
  return EditorState.create({
    doc: area.value,
    // Tab moves on to the next control, as everywhere: Enter indents by itself, Ctrl-] and Ctrl-[ by hand.
    extensions: [
      keymap.of([{ key: "Mod-s", preventDefault: true, run: () => (area.form?.requestSubmit(), true) }]),
      basicSetup,
      yaml(),
      lintGutter(),
      syntaxHighlighting(COLOURS),
      LOOKS,
      EditorState.readOnly.of(area.readOnly),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of(attributes),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        area.value = update.state.doc.toString();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
}

function problemsOf(area: HTMLTextAreaElement): Problem[] {
  const source = area.dataset["problems"];
  const text = source ? document.querySelector(source)?.textContent : "";
  return text ? (JSON.parse(text) as Problem[]) : [];
}

function diagnosticOf(problem: Problem, doc: Text): Diagnostic {
  const line = doc.line(Math.min(Math.max(problem.line ?? 1, 1), doc.lines));
  return { from: line.from, to: line.to, severity: "error", message: problem.detail };
}

/** Moves the text inside the editor only: the page stays where it says what is wrong. */
function showInside(view: EditorView, number: number): void {
  const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from } });
  view.requestMeasure({
    read: () => view.lineBlockAt(line.from).top - view.scrollDOM.clientHeight / 2,
    write: (top) => {
      view.scrollDOM.scrollTop = top;
    },
  });
}

function scrollTo(view: EditorView, number: number): void {
  const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
}
