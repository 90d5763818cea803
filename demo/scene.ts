/** What a scene of the demo is, and what is kept of it for the JSON file and the report. */
interface StepRecord {
  readonly name: string;
  readonly conclusion: string;
  readonly seconds: number;
  /** The step's job summary, as Markdown; empty if it wrote none. */
  readonly summary: string;
}

export interface JobRecord {
  readonly name: string;
  readonly conclusion: string;
  readonly seconds: number;
  readonly steps: readonly StepRecord[];
}

export interface SceneRecord {
  readonly name: string;
  /** One sentence for people: what is tried. */
  readonly story: string;
  /** What must happen, in the words of the terminal: `prod refuses: identity/wrong-principal`. */
  readonly expected: string;
  /** What did happen, in the same words. */
  readonly actual: string;
  readonly ok: boolean;
  readonly jobs: readonly JobRecord[];
}
