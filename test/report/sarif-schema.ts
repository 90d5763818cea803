/**
 * The part of SARIF 2.1.0 that we write, as strictly as the standard says it (OASIS SARIF 2.1.0, 3.13 to 3.50): required
 * properties, closed objects, indexes from 0, lines from 1. Our own words; the standard's schema is not copied.
 */
const text = { type: "string", minLength: 1 } as const;
const message = { type: "object", required: ["text"], additionalProperties: false, properties: { text } };
const level = { enum: ["none", "note", "warning", "error"] };
const index = { type: "integer", minimum: 0 };
const line = { type: "integer", minimum: 1 };
const closed = (required: readonly string[], properties: object) => ({
  type: "object",
  required,
  additionalProperties: false,
  properties,
});

export const sarifSchema = closed(["version", "runs"], {
  $schema: { type: "string", format: "uri" },
  version: { const: "2.1.0" },
  runs: {
    type: "array",
    minItems: 1,
    items: closed(["tool", "results"], {
      tool: closed(["driver"], {
        driver: closed(["name"], {
          name: text,
          version: text,
          informationUri: { type: "string", format: "uri" },
          rules: {
            type: "array",
            uniqueItems: true,
            items: closed(["id"], {
              id: text,
              name: text,
              shortDescription: message,
              helpUri: { type: "string", format: "uri" },
              defaultConfiguration: closed([], { level }),
            }),
          },
        }),
      }),
      automationDetails: closed([], { id: text }),
      columnKind: { enum: ["utf16CodeUnits", "unicodeCodePoints"] },
      results: {
        type: "array",
        items: closed(["message"], {
          ruleId: text,
          ruleIndex: index,
          level,
          message,
          locations: {
            type: "array",
            items: closed([], {
              physicalLocation: closed(["artifactLocation"], {
                artifactLocation: closed([], {
                  uri: { type: "string", format: "uri-reference" },
                  uriBaseId: text,
                }),
                region: closed([], { startLine: line, startColumn: line }),
              }),
              logicalLocations: {
                type: "array",
                uniqueItems: true,
                items: closed([], { fullyQualifiedName: text, kind: text }),
              },
            }),
          },
          partialFingerprints: { type: "object", additionalProperties: { type: "string" } },
        }),
      },
      properties: { type: "object" },
    }),
  },
});
