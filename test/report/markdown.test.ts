import fc from "fast-check";
import { marked } from "marked";
import { describe, expect, it } from "vitest";
import { blocks, code, html, link, table, text } from "../../src/report/markdown.ts";

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };

/** What a person sees of a piece of Markdown: rendered, then without tags. */
function seen(markdown: string): string {
  const page = marked.parse(markdown, { async: false, gfm: true });
  return page
    .replace(/<[^>]+>/g, "")
    .replace(/&(?:#(\d+)|(\w+));/g, (_, digits: string | undefined, name: string) =>
      digits === undefined ? (NAMED[name] ?? `&${name};`) : String.fromCodePoint(Number(digits)),
    )
    .trim();
}

const hostile = [
  "feat: **bold** [click](https://evil.example) <img src=x onerror=alert(1)>",
  "a | b | c",
  "`rm -rf` ${{ secrets.X }} @octocat #1 ~~x~~",
  "https://evil.example/auto-link",
  "<script>alert(1)</script> &amp; &#42;",
  "# heading",
  "- list",
  "::error::not a command",
  "www.evil.example/looks-like-ours WWW.evil.example",
];

describe("text from outside", () => {
  it.each(hostile)("shows as it is and makes nothing: %s", (value) => {
    const page = marked.parse(text(value), { async: false, gfm: true });
    expect(page).not.toMatch(/<(?!\/?p>)/);
    expect(seen(text(value))).toBe(value);
  });

  it.each(hostile)("is the same inside a code span: %s", (value) => {
    const page = marked.parse(code(value), { async: false, gfm: true });
    expect(page).not.toMatch(/<(?!\/?(p|code)>)/);
    expect(seen(code(value))).toBe(value);
  });

  it("never leaves its table cell, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        const page = marked.parse(table(["a", "b"], [[text(value), code(value)]]), { async: false, gfm: true });
        expect(page.match(/<td>/g)).toHaveLength(2);
        expect(page).not.toMatch(/<(script|img|a|strong|em|del)\b/);
      }),
    );
  });

  it("loses its line breaks, which would end a table row or start a command", () => {
    expect(text("a\r\n::warning::b")).toBe("a &#58;&#58;warning&#58;&#58;b");
  });
});

describe("links", () => {
  it("go to http(s) addresses only", () => {
    expect(link("run 1", "https://github.com/o/r/actions/runs/1")).toBe(
      '<a href="https://github.com/o/r/actions/runs/1">run 1</a>',
    );
    expect(link("run", "javascript:alert(1)")).toBe("run");
    expect(link("run", 'https://x/"onclick=1')).toBe("run");
  });
});

describe("blocks and tables", () => {
  it("leave out what is empty", () => {
    expect(blocks("a", "", "b")).toBe("a\n\nb");
    expect(table(["a"], [])).toBe("");
    expect(html(`<a href="x">`)).toBe("&#60;a href=&#34;x&#34;&#62;");
  });
});
