import { sha256 } from '../../tokens/token-key';

/** One style sheet for all pages. Set the custom properties in your own, after this one, for another theme. */
export const STYLE_SHEET = `:root {
  color-scheme: light dark;
  --knox-font: system-ui, sans-serif;
  --knox-background: #f5f6f8;
  --knox-surface: #ffffff;
  --knox-text: #1b1f24;
  --knox-muted: #545b66;
  --knox-line: #8a919c;
  --knox-accent: #1d4ed8;
  --knox-on-accent: #ffffff;
  --knox-problem: #a4161a;
  --knox-done: #17633a;
  --knox-radius: 0.5rem;
  --knox-width: 44rem;
}
@media (prefers-color-scheme: dark) {
  :root {
    --knox-background: #14171b;
    --knox-surface: #1e2228;
    --knox-text: #eceff3;
    --knox-muted: #aab2bd;
    --knox-line: #6d7683;
    --knox-accent: #8fb4ff;
    --knox-on-accent: #0c1526;
    --knox-problem: #ff9c9c;
    --knox-done: #86d9a8;
  }
}
*, ::before, ::after { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--knox-background);
  color: var(--knox-text);
  font: 1rem/1.5 var(--knox-font);
  overflow-wrap: anywhere;
}
main { max-width: var(--knox-width); margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2rem; }
h3 { font-size: 1rem; margin: 0; }
a { color: var(--knox-accent); }
.card {
  background: var(--knox-surface);
  border: 1px solid var(--knox-line);
  border-radius: var(--knox-radius);
  padding: 1rem;
}
.current { border-color: var(--knox-accent); }
.cards { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem; }
.description, .absolute { color: var(--knox-muted); }
.description { margin: 0; }
.absolute { display: block; }
.marks { list-style: none; display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0.5rem 0 0; padding: 0; }
.marks li { border: 1px solid currentColor; border-radius: 1rem; padding: 0 0.6rem; font-size: 0.85rem; }
dl { margin: 1rem 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(16rem, 100%), 1fr)); gap: 0.5rem 1rem; }
dt { color: var(--knox-muted); font-size: 0.85rem; }
dd { margin: 0; }
.tiles { grid-template-columns: repeat(auto-fill, minmax(min(11rem, 100%), 1fr)); gap: 1rem; }
.tiles dd { font-size: 1.6rem; font-variant-numeric: tabular-nums; }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: flex-end; }
form p { margin: 0 0 0.75rem; }
label { display: block; }
fieldset { margin: 0 0 0.75rem; padding: 0.75rem; border: 1px solid var(--knox-line); border-radius: var(--knox-radius); }
.token { user-select: all; }
.choice { display: flex; gap: 0.5rem; align-items: center; }
input:not([type="checkbox"]), select {
  width: 100%;
  max-width: 100%;
  min-height: 2.75rem;
  padding: 0.5rem;
  font: inherit;
  color: inherit;
  background: var(--knox-background);
  border: 1px solid var(--knox-line);
  border-radius: var(--knox-radius);
}
input[type="checkbox"] { width: 1.25rem; height: 1.25rem; accent-color: var(--knox-accent); }
button {
  min-height: 2.75rem;
  padding: 0.5rem 1rem;
  font: inherit;
  color: var(--knox-accent);
  background: transparent;
  border: 1px solid currentColor;
  border-radius: var(--knox-radius);
  cursor: pointer;
  transition: filter 0.15s;
}
button:hover { filter: brightness(1.15); }
button.main { color: var(--knox-on-accent); background: var(--knox-accent); border-color: var(--knox-accent); }
summary { min-height: 2.75rem; padding: 0.6rem 0; color: var(--knox-accent); cursor: pointer; }
:focus-visible { outline: 3px solid var(--knox-accent); outline-offset: 2px; }
.problem { color: var(--knox-problem); font-weight: 600; }
.done { color: var(--knox-done); font-weight: 600; }
.notice { border-inline-start: 4px solid var(--knox-accent); padding-inline-start: 0.75rem; }
.alarm { border: 2px solid var(--knox-problem); border-radius: var(--knox-radius); padding: 0.75rem; margin: 0.75rem 0; }
.alarm p { margin: 0 0 0.75rem; }
.alarm strong { display: block; color: var(--knox-problem); }
.chart { display: block; width: 100%; max-width: 32rem; height: auto; }
.chart text { fill: var(--knox-text); font-size: 12px; }
.chart .bar { fill: var(--knox-accent); }
@media (prefers-reduced-motion: reduce) {
  * { transition: none !important; animation: none !important; scroll-behavior: auto !important; }
}
`;

/** Its name changes with what is in it, so that it may be kept for ever. */
export const STYLE_SHEET_NAME = `style.${sha256(STYLE_SHEET).slice(0, 16)}.css`;
