import { expect, test } from "vitest";
import { FourTierError } from "../../src/findings.ts";
import { ledgerOwner } from "../../src/ledger/paths.ts";

const tier = { name: "prod", clientId: "c0ffee", servicePrincipal: "ml-pipelines-prod" } as const;

test("the ledger is in the folder of the tier's own principal, never of whoever looks", () => {
  expect(ledgerOwner(tier)).toBe("c0ffee");
  expect(ledgerOwner({ ...tier, clientId: undefined }, "proven")).toBe("proven");
  expect(() => ledgerOwner({ ...tier, clientId: undefined })).toThrow(FourTierError);
});
