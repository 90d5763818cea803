import { expect, it } from "vitest";
import { startUpdateOf } from "../../src/release/started.ts";
import { connectTo, fakeWorkspace, type Routes } from "../databricks/fake.ts";
import { json } from "../http/loopback.ts";

const PIPELINE = "/api/2.0/pipelines/p1";

/** A pipeline whose first update fails; what its list of updates shows then. */
async function afterFailure(newest: object): Promise<{ readonly said: string[]; readonly states: string[] }> {
  let started = false;
  const update =
    (id: string, state: string): Routes[string] =>
    (_request, response) =>
      json(response, 200, { update: { update_id: id, state } });
  const fake = await fakeWorkspace({
    [`POST ${PIPELINE}/updates`]: (_request, response) => {
      started = true;
      json(response, 200, { update_id: "u1" });
    },
    [`GET ${PIPELINE}/updates`]: (_request, response) => json(response, 200, { updates: started ? [newest] : [] }),
    [`GET ${PIPELINE}/updates/u1`]: update("u1", "FAILED"),
    [`GET ${PIPELINE}/updates/u2`]: update("u2", "COMPLETED"),
  });
  const said: string[] = [];
  const following = await startUpdateOf(connectTo(fake.url).workspace, "p1", false, (text) => said.push(text));
  const states: string[] = [];
  for (let done = false; !done; ) {
    const seen = await following.look();
    states.push(seen.state);
    done = seen.done;
  }
  return { said, states };
}

it("follows the update with which the service tries a failed one again, and says so", async () => {
  const { said, states } = await afterFailure({ update_id: "u2", state: "RUNNING", cause: "RETRY_ON_FAILURE" });
  expect(states).toEqual(["RETRYING", "COMPLETED"]);
  expect(said).toEqual(["update u1 failed, and the service tries again with u2"]);
});

it.each([
  ["somebody else's", { update_id: "u2", state: "RUNNING", cause: "USER_ACTION" }],
  ["its own", { update_id: "u1", state: "FAILED", cause: "RETRY_ON_FAILURE" }],
])("does not take %s for a retry", async (_whose, newest) => {
  expect((await afterFailure(newest)).states).toEqual(["FAILED"]);
});
