/** demo-report/index.html: every job summary as a person sees it on GitHub. One file, no script, opens from disk. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Marked } from "marked";
import type { JobRecord, SceneRecord } from "./scene.ts";

const css = readFileSync(createRequire(import.meta.url).resolve("github-markdown-css/github-markdown.css"), "utf8");

/** What GitHub leaves of the HTML in a job summary; everything else is shown as text. */
const ALLOWED =
  /^<\/?(a|b|br|code|details|em|h[1-6]|hr|i|li|ol|p|pre|strong|sub|summary|sup|table|tbody|td|th|thead|tr|ul)(\s+(href="https?:\/\/[^"<>]*"|open|align="(left|right|center)"))*\s*\/?>$/i;

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

const markdown = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => text.replace(/<[^>]*>/g, (tag) => (ALLOWED.test(tag) ? tag : escapeHtml(tag))),
    code: ({ text, lang }) =>
      (lang === "mermaid" ? flowchart(text) : undefined) ?? `<pre><code>${escapeHtml(text)}</code></pre>`,
  },
});

const mark = (ok: boolean): string => (ok ? "✅" : "❌");

/** Of two jobs that a workflow has for two cases, one is skipped: nothing is wrong with that. */
const markOf = (conclusion: string): string => (conclusion === "skipped" ? "➖" : mark(conclusion === "success"));

/** A box of a flowchart: `dev["…"]:::good`, `source(["…"])`. */
const BOX = /^\s*\w+\(?\["(.*)"\]\)?(?::::(\w+))?$/;

/** The suite's own flowcharts as boxes in a row, as GitHub draws them; undefined for any other. */
function flowchart(text: string): string | undefined {
  const boxes = text.split("\n").flatMap((line) => {
    const [, label = "", mood = ""] = BOX.exec(line) ?? [];
    const shown = label.replace(/<[^>]*>/g, (tag) => (ALLOWED.test(tag) ? tag : escapeHtml(tag)));
    return label === "" ? [] : [`<div class="box ${mood}">${shown}</div>`];
  });
  return boxes.length === 0 ? undefined : `<div class="flow">${boxes.join("<span>→</span>")}</div>`;
}

/** The page. `picture` is the closing picture as plain text. */
export function renderReport(scenes: readonly SceneRecord[], picture: string): string {
  const index = scenes.map(
    (scene, number) => `<li><a href="#scene-${number}">${mark(scene.ok)} ${escapeHtml(scene.name)}</a></li>`,
  );
  const sections = scenes.map(
    (scene, number) => `<section id="scene-${number}">
<h2>${mark(scene.ok)} ${escapeHtml(scene.name)}</h2>
<p>${escapeHtml(scene.story)}</p>
<p><b>Expected:</b> ${escapeHtml(scene.expected)}<br><b>Happened:</b> ${escapeHtml(scene.actual)}</p>
${scene.jobs.map(renderJob).join("\n")}
</section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Four-Tier demo</title>
<style>
${css}
body { margin: 0; background: #f6f8fa; color: #1f2328; font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
@media (prefers-color-scheme: dark) { body { background: #010409; color: #f0f6fc } }
.page { display: grid; grid-template-columns: minmax(220px, 300px) minmax(0, 1fr); gap: 32px; max-width: 1400px; margin: 0 auto; padding: 24px }
nav { position: sticky; top: 24px; align-self: start; max-height: calc(100vh - 48px); overflow: auto }
nav ol { list-style: none; padding: 0; margin: 0 } nav li { margin: 6px 0 } nav a { color: inherit; text-decoration: none }
section { margin-bottom: 48px; scroll-margin-top: 24px }
.job { margin: 16px 0 } .job > h3 { margin: 0 0 8px }
.markdown-body { border: 1px solid #d1d9e0; border-radius: 6px; padding: 20px 24px; margin: 8px 0; overflow-x: auto }
.picture { overflow-x: auto; padding: 16px; border-radius: 6px; background: #0d1117; color: #e6edf3; font: 13px/1.35 ui-monospace, monospace }
.flow { display: flex; align-items: center; gap: 12px; margin: 0 0 16px; overflow-x: auto; text-align: center }
.box { border: 2px dashed #9a6700; border-radius: 4px; padding: 8px 16px; white-space: nowrap }
.box.good { border: 2px solid #1a7f37 } .box.bad { border: 3px solid #cf222e } .box:first-child { border: 1px solid #59636e; border-radius: 24px }
.quiet { opacity: .7 }
@media (max-width: 800px) { .page { grid-template-columns: 1fr } nav { position: static } }
</style></head>
<body><div class="page"><nav><h1>Four-Tier</h1><ol>${index.join("")}<li><a href="#picture">What runs where</a></li></ol></nav>
<main>
${sections.join("\n")}
<section id="picture"><h2>What runs where</h2><pre class="picture">${escapeHtml(picture)}</pre></section>
</main></div></body></html>
`;
}

function renderJob(job: JobRecord): string {
  const summaries = job.steps.filter((step) => step.summary !== "");
  const bodies = summaries.map(
    (step) => `<div class="markdown-body">${markdown.parse(step.summary, { async: false })}</div>`,
  );
  const steps = job.steps.map((step) => `${escapeHtml(step.name)}: ${escapeHtml(step.conclusion)}`).join(" · ");
  return `<div class="job"><h3>${markOf(job.conclusion)} ${escapeHtml(job.name)} <span class="quiet">${escapeHtml(job.conclusion)}, ${job.seconds.toFixed(1)} s</span></h3>
${bodies.join("\n")}<p class="quiet">${steps}</p></div>`;
}
