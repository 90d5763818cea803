import { expect, test } from "vitest";
import { logText, visible } from "../../src/report/log-line.ts";

test.each([
  ["Uploaded models: 3 of 9 files.", "Uploaded models: 3 of 9 files."],
  ["a: b::c, 10:30::x", "a: b::c, 10:30::x"],
  ["::add-mask::1", ": :add-mask::1"],
  [
    "churn\n::stop-commands::pause\r\n \t::set-output name=x::y",
    "churn\n: :stop-commands::pause\n \t: :set-output name=x::y",
  ],
  ["churn\r::error::x", "churn\n: :error::x"],
  ["a job named ##[add-mask]secret", "a job named ## [add-mask]secret"],
  ["\u0085::error::x", "\ufffd::error::x"],
  ["\u001b[2K\u001b[1Aall checks pass", "\ufffd[2K\ufffd[1Aall checks pass"],
])("the log gets no command out of %j", (outside, shown) => {
  expect(logText(outside)).toBe(shown);
});

test("what turns or hides text is shown as what it is", () => {
  expect(visible("approve\u202ednammoc\u200b\u2066!")).toBe("approve\ufffddnammoc\ufffd\ufffd!");
  expect(visible("grün, 日本, 👍\ttab")).toBe("grün, 日本, 👍\ttab");
});
