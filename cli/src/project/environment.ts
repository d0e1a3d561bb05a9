import { z } from "zod";
import { usageFailure } from "../failure.ts";

const port = z.coerce.number("must be a number").int().min(0).max(65_535);

/** 120 bits in base64url: a shorter one may have been made up by a person. */
const keyLengthMin = 20;

/** Every variable that the command reads. Others are not ours to judge. */
const Environment = z
  .object({
    PORT: port.optional(),
    HOST: z.string().min(1).optional(),
    DATABASE_URL: z
      .string()
      .regex(/^postgres(ql)?:\/\//, "must begin with postgres:// or postgresql://")
      .optional(),
    /** Instead of `.banyan` beside the configuration. */
    BANYAN_DATA: z.string().optional(),
    BANYAN_API_KEY: z
      .string()
      .regex(/^[A-Za-z0-9._~+/-]+=*$/, "may hold letters, digits and ._~+/- only, as a Bearer token (RFC 6750)")
      .optional(),
    NODE_ENV: z.string().optional(),
    LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).optional(),
    /** A collector, as in http://localhost:4318; the names are those of OpenTelemetry's specification. */
    OTEL_EXPORTER_OTLP_ENDPOINT: z
      .url({ protocol: /^https?$/, error: "must begin with http:// or https://" })
      .optional(),
    OTEL_SERVICE_NAME: z.string().optional(),
    /** Set by npm while it runs a script. */
    npm_lifecycle_event: z.string().optional(),
  })
  .refine(
    ({ NODE_ENV, BANYAN_API_KEY }) =>
      NODE_ENV !== "production" || BANYAN_API_KEY === undefined || BANYAN_API_KEY.length >= keyLengthMin,
    {
      path: ["BANYAN_API_KEY"],
      error: `needs at least ${keyLengthMin} random characters in production (openssl rand -base64 32)`,
    },
  );
export type Environment = z.infer<typeof Environment>;

/** The process environment, checked; an empty variable counts as absent. Throws a usage failure that names the variable. */
export function readEnvironment(): Environment {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ""));
  const result = Environment.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw usageFailure(
    `The environment variable ${issue?.path.join(".")} is wrong: ${issue?.message}.`,
    "Correct it, or unset it to get the default.",
  );
}
