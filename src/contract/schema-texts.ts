/** Texts and numbers that several keys of `four-tier.yml` are made of. */
import * as v from "valibot";
import { RESOURCE_KINDS } from "./model.ts";

/** A resource of a bundle, `jobs.score`. */
export const RESOURCE_KEY = new RegExp(`^(?:${RESOURCE_KINDS.join("|")})\\.[A-Za-z0-9_-]+$`);
const BARE_OR_JOB_KEY = /^(?:jobs\.)?[A-Za-z0-9_-]+$/;
/** One part of a securable's name, or a `*` in its place. */
export const NAME_PART = "[^\\s./`]+";

/** As git and GitHub take it, and without what the pattern of a ruleset would read otherwise. */
const BRANCH =
  /^(?!refs\/)(?!.*\.\.)(?!.*\.lock(?:\/|$))[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?(?:\/[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?)*$/;

/** A branch of the repository, without `refs/heads/`. */
export const branchName = v.pipe(
  v.string(),
  v.regex(
    BRANCH,
    "must be a branch's name, such as four-tier-evidence: letters, digits, _, -, . and / between them, without refs/heads/",
  ),
  v.maxLength(100, "must have at most 100 characters"),
);

/** A resource's key in the file. */
export const resourceKey = v.pipe(
  v.string(),
  v.regex(RESOURCE_KEY, "must be a resource key of the bundle, such as jobs.score"),
);
/** A job of the bundle, with or without its kind. */
export const jobKey = v.pipe(
  v.string(),
  v.regex(BARE_OR_JOB_KEY, "must be the key of a job in the bundle, such as smoke_test or jobs.smoke_test"),
);
/** One line that says something. */
export const text = v.pipe(
  v.string(),
  v.regex(/^[^\s].*$/, "must not be empty or begin with a blank"),
  v.maxLength(300),
);
/** Why something is as it is; may have several lines. */
export const reason = v.pipe(
  v.string(),
  v.regex(/\S/, "must say something"),
  v.maxLength(500),
  v.description("Why, for whoever reads it later."),
);
/** A tier that something holds in. */
export const tierName = v.pipe(
  v.picklist(["sandbox", "dev", "staging", "prod"]),
  v.description("The tier in which it holds."),
);

const moment = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2})?$/, "must be a date, 2026-12-20, or a date and time, 2026-12-20T18:00"),
);

/** The day on which an exception ends. */
export const lastDay = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date such as 2027-01-31"),
  v.description("The last day (UTC) on which the exception holds."),
);

/** A whole number within bounds, these included. */
export const wholeNumber = (least: number, most: number, description: string) =>
  v.pipe(
    v.number(),
    v.integer("must be a whole number"),
    v.minValue(least, `must be ${least} or more`),
    v.maxValue(most, `must be ${most} or less`),
    v.description(description),
  );

/** A list of freezes. */
export const freezes = (description: string) =>
  v.pipe(
    v.array(
      v.strictObject({
        from: v.pipe(moment, v.description("The first day, or day and time, of the freeze.")),
        until: v.pipe(moment, v.description("The last day; with a time, the moment at which it ends.")),
        zone: v.optional(v.pipe(text, v.description("The time zone of both, such as Europe/Berlin.")), "UTC"),
        reason,
      }),
    ),
    v.description(description),
  );
