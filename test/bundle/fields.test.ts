import { expect, test } from "vitest";
import { fieldTables, readSchema } from "../../scripts/bundle-fields.ts";
import { FIELDS, VALUES } from "../../src/bundle/fields.ts";
import { findCli, GOLDEN_VERSION } from "./oracle.ts";

test.skipIf(findCli(GOLDEN_VERSION) === undefined)("the tables of fields are what the Databricks CLI declares", () => {
  const { fields, values } = fieldTables(readSchema());
  expect(FIELDS).toEqual(Object.fromEntries(fields));
  expect(VALUES).toEqual(Object.fromEntries([...values].map(([name, known]) => [name, known.join(" ")])));
});
