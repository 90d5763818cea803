/** What was inside the scope and was not shown: noted with the right that would show it, never taken for nothing. */
import { ApiError, isMissing } from "../databricks/errors.ts";

/** Something inside the scope that could not be seen. */
export interface Refusal {
  /** `the grants of table prod.gold.scores` */
  readonly what: string;
  /** What the service said. */
  readonly answer: string;
  /** The right that would show it. */
  readonly needs: string;
}

/** Collects refusals while a reader goes on. */
export class Notes {
  readonly refused: Refusal[] = [];

  /** Asks; undefined, and noted, if the service refuses. Every other failure is thrown. */
  async attempt<Answer>(what: string, needs: string, ask: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.refused.push({ what, answer: answerOf(error), needs });
      return undefined;
    }
  }

  /**
   * All items of a list; none, and noted, if it is refused. What holds them may have been dropped since it was listed:
   * `gone` asks, and only then "not found" is nothing to note.
   */
  async list<Item>(
    what: string,
    needs: string,
    list: () => AsyncIterable<Item>,
    gone: () => Promise<boolean> = async () => false,
  ): Promise<Item[]> {
    const found = await this.attempt(what, needs, async () => {
      const items: Item[] = [];
      try {
        for await (const item of list()) items.push(item);
      } catch (error) {
        if (!isMissing(error)) throw error;
        if (!(await gone())) this.miss(what, answerOf(error), needs);
        return [];
      }
      return items;
    });
    return found ?? [];
  }

  /** Notes something that nobody refused in so many words. */
  miss(what: string, answer: string, needs: string): void {
    this.refused.push({ what, answer, needs });
  }
}

/** What is asked; `otherwise` if the service refuses to show it. Every other failure is thrown. */
export async function shown<Answer>(ask: () => Promise<Answer>, otherwise: Answer): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (isRefusal(error)) return otherwise;
    throw error;
  }
}

/** The service knows it and does not show it to us. */
export function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}

/** `GET /api/…: 403 PERMISSION_DENIED` */
export function answerOf(error: ApiError): string {
  return `${error.request}: ${error.status} ${error.code}`;
}
