/** The closing picture: the four tiers and what runs in each, as plain text of fixed width. */

export interface TierPicture {
  readonly tier: string;
  readonly catalog: string;
  /** Short release digest, or undefined where none was deployed. */
  readonly release: string | undefined;
  readonly resources: readonly { readonly name: string; readonly state: "paused" | "running" | "on demand" }[];
}

const WIDTH = 30;

/** Boxes side by side, joined by an arrow on the first line. */
export function drawPicture(tiers: readonly TierPicture[]): string {
  const columns = tiers.map(boxOf);
  const height = Math.max(...columns.map((lines) => lines.length));
  const rows = Array.from({ length: height }, (_, row) =>
    columns
      .map((lines, column) => {
        const last = column === columns.length - 1;
        const joint = last ? "" : row === 1 ? (column === 0 ? "┄┄▶" : "──▶") : "   ";
        return `${lines[row] ?? " ".repeat(WIDTH)}${joint}`;
      })
      .join("")
      .trimEnd(),
  );
  return rows.join("\n");
}

const STATE = { running: "▶", paused: "‖", "on demand": "·" } as const;

function boxOf({ tier, catalog, release, resources }: TierPicture): string[] {
  const inner = WIDTH - 4;
  const line = (text: string): string =>
    `│ ${text.length > inner ? `${text.slice(0, inner - 1)}…` : text.padEnd(inner)} │`;
  return [
    `┌${"─".repeat(WIDTH - 2)}┐`,
    line(tier.toUpperCase()),
    line(`catalog ${catalog}`),
    line(release === undefined ? "nothing deployed" : `release ${release.slice(0, 12)}`),
    `├${"─".repeat(WIDTH - 2)}┤`,
    ...resources.map(({ name, state }) => line(`${STATE[state]} ${name}`)),
    `└${"─".repeat(WIDTH - 2)}┘`,
  ];
}
