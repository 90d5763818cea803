/** The version stands in four places, and a release is refused unless they agree. Pure. */

interface Versions {
  /** package.json */
  readonly manifest: string;
  /** package-lock.json */
  readonly lock: string;
  /** src/version.ts, the file's text */
  readonly source: string;
  /** CHANGELOG.md, the file's text */
  readonly changelog: string;
  /** The tag that was asked for, `v1.2.3`; a dry run may have none. */
  readonly tag: string | undefined;
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/;

/** What disagrees, as sentences; none if the release may be made. A dry run may come before the changelog names the version. */
export function versionProblems(versions: Versions, dryRun: boolean): string[] {
  const { manifest, tag } = versions;
  const problems: string[] = [];
  if (!VERSION.test(manifest)) problems.push(`package.json: "${manifest}" is not a version like 1.2.3 or 1.2.3-rc.1`);
  if (versions.lock !== manifest) problems.push(`package-lock.json says ${versions.lock}, package.json ${manifest}`);
  const source = /VERSION = "([^"]*)"/.exec(versions.source)?.[1];
  if (source !== manifest) problems.push(`src/version.ts says ${source ?? "nothing"}, package.json ${manifest}`);
  const heading = /^## +(\S+)/m.exec(versions.changelog)?.[1];
  if (heading !== manifest && !(dryRun && heading === "Unreleased")) {
    problems.push(`the first heading of CHANGELOG.md is "${heading ?? ""}", not ${manifest}`);
  }
  if (tag === undefined ? !dryRun : tag !== `v${manifest}`) {
    problems.push(`the tag asked for is ${tag ?? "missing"}, the version makes it v${manifest}`);
  }
  return problems;
}

/**
 * The changelog's first section without its heading: the notes of the release. They are read on a page of their own, so
 * links to files lead to `base`, the files as they are in the release.
 */
export function notesOf(changelog: string, base: string): string {
  const [, first = ""] = changelog.split(/^## .*$/m);
  const linked = first.replaceAll(/\]\((?![a-z]+:|#|\/)([^)\s]+)\)/g, `](${base}/$1)`);
  return `${linked.trim()}\n`;
}

/** `v1` for 1.2.3; none for a release candidate, which no moving tag should lead to. */
export function majorTag(version: string): string | undefined {
  const [, major, , , candidate] = VERSION.exec(version) ?? [];
  return major === undefined || candidate !== undefined ? undefined : `v${major}`;
}

/** Whether a version is as new as every released one of its major, so that the major tag may move to it. */
export function isNewest(version: string, tags: readonly string[]): boolean {
  const numbers = (text: string): number[] | undefined => {
    const [, major, minor, patch, candidate] = VERSION.exec(text) ?? [];
    return major === undefined || candidate !== undefined ? undefined : [major, minor, patch].map(Number);
  };
  const own = numbers(version);
  if (own === undefined) return false;
  return tags.every((tag) => {
    const other = numbers(tag.replace(/^v/, ""));
    if (other === undefined || other[0] !== own[0]) return true;
    const [minor = 0, patch = 0] = other.slice(1);
    return minor < (own[1] ?? 0) || (minor === own[1] && patch <= (own[2] ?? 0));
  });
}
