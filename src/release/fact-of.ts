/** From an answer, or a refusal, to a fact. */
import { FourTierError } from "../findings.ts";
import { type Fact, known, notKnown } from "../gate/facts.ts";

/** The fact that a stage leaves out. */
export const notAsked = notKnown(
  "This was not read, since no check of this stage asks for it.",
  "Ask at a later stage.",
);

/** What a service refuses or does not have becomes an unknown fact with the finding's own words; a defect stays one. */
export async function factOf<T>(read: () => Promise<T>): Promise<Fact<T>> {
  try {
    return known(await read());
  } catch (error) {
    const finding = error instanceof FourTierError ? error.findings[0] : undefined;
    if (finding === undefined) throw error;
    return notKnown(finding.message, finding.remedy);
  }
}

/** An input that may be empty. */
export function given(input: string): string | undefined {
  return input === "" ? undefined : input;
}
