import { expect, test } from "vitest";
import { fieldTable, readSchema } from "../../scripts/bundle-fields.ts";
import { FIELDS } from "../../src/bundle/fields.ts";
import { findCli, GOLDEN_VERSION } from "./oracle.ts";

test.skipIf(findCli(GOLDEN_VERSION) === undefined)("the table of fields is what the Databricks CLI declares", () => {
  expect(FIELDS).toEqual(Object.fromEntries(fieldTable(readSchema())));
});
