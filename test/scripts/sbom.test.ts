import { expect, it } from "vitest";
import { productionOf, stable } from "../../scripts/release/sbom.ts";

const component = (name: string): unknown => ({ "bom-ref": `${name}@1.0.0`, name, version: "1.0.0" });
const printed = (serial: string): unknown => ({
  serialNumber: serial,
  metadata: { timestamp: serial, component: { "bom-ref": "four-tier@2.0.0", name: serial } },
  components: [component("yaml"), component("@types/node"), component("typescript")],
  dependencies: [
    { ref: "four-tier@2.0.0", dependsOn: ["yaml@1.0.0", "typescript@1.0.0"] },
    { ref: "yaml@1.0.0", dependsOn: ["typescript@1.0.0"] },
    { ref: "typescript@1.0.0", dependsOn: [] },
  ],
});
const production = productionOf({
  packages: {
    "": { version: "2.0.0" },
    "node_modules/yaml": { version: "1.0.0" },
    "node_modules/@types/node": { version: "1.0.0", dev: true },
    "node_modules/yaml/node_modules/typescript": { version: "1.0.0", devOptional: true },
  },
});
const subject = { name: "four-tier", version: "2.0.0", committed: "2026-11-24T00:00:00.000Z", production };
const yaml = { name: "yaml", version: "1.0.0", license: "ISC", text: "" };

it("lists what is there for production, and says what is in the bundle", () => {
  expect(JSON.parse(stable(printed("x"), subject, [yaml]))).toMatchObject({
    metadata: { timestamp: subject.committed, component: { name: "four-tier" } },
    components: [{ name: "yaml", properties: [{ name: "four-tier:bundled", value: "true" }] }],
    dependencies: [
      { ref: "four-tier@2.0.0", dependsOn: ["yaml@1.0.0"] },
      { ref: "yaml@1.0.0", dependsOn: [] },
    ],
  });
});

it("is the same for the same contents, whenever and wherever it is made", () => {
  const one = stable(printed("one"), subject, [yaml]);
  expect(stable(printed("two"), subject, [yaml])).toBe(one);
  expect(stable(printed("two"), { ...subject, committed: "2026-11-25T00:00:00.000Z" }, [yaml])).not.toBe(one);
});

it("refuses a bundle with something that is not there for production", () => {
  expect(() => stable(printed("x"), subject, [{ ...yaml, name: "typescript" }])).toThrow("typescript@1.0.0");
});
