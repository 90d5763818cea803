import { describe, expect, it } from "vitest";
import { FourTierError } from "../../src/findings.ts";
import { accessList } from "../../src/release/access.ts";
import { kindOf } from "../../src/release/kinds/index.ts";
import { inOrder, type Step } from "../../src/release/step.ts";

function step(key: string, action: Step["action"], references: readonly string[] = []): Step {
  const kind = key.slice(0, key.indexOf("."));
  return {
    key,
    kind,
    action,
    name: key,
    references,
    desired: undefined,
    live: undefined,
    settings: true,
    permissions: false,
    accessBefore: undefined,
  };
}
const keys = (...steps: Step[]): string[] => inOrder(steps).map(({ key, action }) => `${action} ${key}`);

it("a kind that only a newer suite deploys is said to be that, and what to do", () => {
  expect(() => kindOf("dashboards")).toThrow(FourTierError);
  expect(() => kindOf("dashboards")).toThrow(/kind dashboards.* Use that version here/);
});

describe("the order of writes", () => {
  it("puts what is needed first, pipelines before jobs where nothing else decides", () => {
    expect(
      keys(
        step("jobs.a", "create", ["jobs.z"]),
        step("jobs.z", "create", ["pipelines.p"]),
        step("pipelines.p", "create"),
      ),
    ).toEqual(["create pipelines.p", "create jobs.z", "create jobs.a"]);
    expect(keys(step("jobs.a", "update"), step("pipelines.p", "update"))).toEqual([
      "update pipelines.p",
      "update jobs.a",
    ]);
  });

  it("deletes last, users before what they use", () => {
    expect(
      keys(step("pipelines.old", "delete"), step("jobs.old", "delete", ["pipelines.old"]), step("jobs.new", "create")),
    ).toEqual(["create jobs.new", "delete jobs.old", "delete pipelines.old"]);
  });
});

const US = "11111111-1111-4111-8111-111111111111";

describe("an access control list", () => {
  it("has exactly one owner: the tier's principal, which stands there once", () => {
    expect(
      accessList(
        [
          { group_name: "readers", permission_level: "CAN_VIEW" },
          { service_principal_name: "${principal}", permission_level: "CAN_MANAGE" },
        ],
        US,
      ),
    ).toEqual([
      { kind: "group", principal: "readers", level: "CAN_VIEW" },
      { kind: "service-principal", principal: US, level: "IS_OWNER" },
    ]);
  });

  it("keeps a declared owner, and of two entries for one principal the last", () => {
    expect(
      accessList(
        [
          { user_name: "mona@example.com", permission_level: "CAN_VIEW" },
          { user_name: "mona@example.com", permission_level: "IS_OWNER" },
        ],
        US,
      ),
    ).toEqual([{ kind: "user", principal: "mona@example.com", level: "IS_OWNER" }]);
  });
});
