import type { Collected } from "./event.ts";
import { type Arrival, type Claims, judged, refuse } from "./judge.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * One event of CloudEvents 1.0 in JSON. It is known by its source and id together, as the specification has it; its type is its name.
 * Its subject stands for who did it, or else its source; `userid`, an extension, names the user.
 */
export function readCloudEvent(raw: unknown, arrival: Arrival): Collected {
  return judged({ raw, format: "cloudevents" }, arrival, (fields) => claimsOf(fields as Fields));
}

function claimsOf(fields: Fields): Claims {
  const { specversion, id, source, type, time, subject, dataschema, userid, data, data_base64, ...extensions } = fields;
  if (specversion !== "1.0") refuse("unknownShape", `specversion must be "1.0"`);
  for (const [name, value] of Object.entries({ id, source, type })) {
    if (value === undefined || value === "") refuse("missingField", `a CloudEvent needs ${name}`);
    if (typeof value !== "string") refuse("wrongType", `${name} must be a text`);
  }
  return {
    eventId: `${source} ${id}`,
    type: "track",
    name: type,
    userId: userid,
    anonymousId: subject ?? source,
    timestamp: time,
    sentAt: undefined,
    schema: schemaIn(dataschema),
    properties: propertiesOf(data, data_base64),
    context: { source, subject, dataschema, ...extensions },
  };
}

/** Data that is no object becomes one field. */
function propertiesOf(data: unknown, base64: unknown): unknown {
  if (base64 !== undefined) return { base64 };
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  return isObject || data === undefined ? data : { data };
}

/** "https://schemas.example/vendor/name/1-0-0" names one of ours; any other address is a note. */
function schemaIn(dataschema: unknown): unknown {
  return typeof dataschema === "string" ? /[^/:]+\/[^/]+\/\d+-\d+-\d+$/.exec(dataschema)?.[0] : undefined;
}
