import { z } from "zod";
import { CommandFailure, usageFailure } from "../failure.ts";

const isPort = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 65_535;
const port = z.string().transform(Number).refine(isPort, "must be a whole number from 0 to 65535");

/** Of one server, or where its client reads lists of several, of whatever that takes. */
const address = (scheme: RegExp, message: string) =>
  z
    .string()
    .regex(scheme, message)
    .refine((url) => !/^(postgres|redis)/.test(url) || URL.canParse(url), {
      error:
        "is no address: write scheme://USER:PASSWORD@HOST:PORT/NAME, and what is special in a password as %XX (# as %23)",
    });

/** 120 bits in base64url: a shorter one may have been made up by a person. */
const keyLengthMin = 20;

/** Every variable that the command reads. Others are not ours to judge. */
const Environment = z
  .object({
    PORT: port.optional(),
    HOST: z.string().min(1).optional(),
    DATABASE_URL: address(/^postgres(ql)?:\/\//, "must begin with postgres:// or postgresql://").optional(),
    /** Instead of `.banyan` beside the configuration. */
    BANYAN_DATA: z.string().optional(),
    BANYAN_API_KEY: z
      .string()
      .regex(/^[A-Za-z0-9._~+/-]+=*$/, "may hold letters, digits and ._~+/- only, as a Bearer token (RFC 6750)")
      .optional(),
    /** Of further people, each `name=key`, with commas between: one person alone must not do what takes two. */
    BANYAN_API_KEYS: z
      .string()
      .regex(
        /^[a-z][a-z0-9._-]{0,63}=[A-Za-z0-9._~+/-]{20,}=*(?:,[a-z][a-z0-9._-]{0,63}=[A-Za-z0-9._~+/-]{20,}=*)*$/,
        `must be name=key, with commas between; a key has at least ${keyLengthMin} of the characters of a Bearer token`,
      )
      .optional(),
    /** How processes of one application reach each other: nats://, redis://, or tcp:// with one or more seeds. */
    BANYAN_BUS: z
      .string()
      .regex(/^(nats|tls|redis|rediss|tcp|unix):/, "must begin with nats://, redis:// or tcp://")
      .optional(),
    /** By which way events go from service to service, instead of staying within the database. */
    BANYAN_LOG: address(/^[a-z]+:\/\//, "must be an address, as nats://HOST or postgres://HOST/DATABASE").optional(),
    /** Where documents lie, instead of in the application's own database. */
    BANYAN_DOCUMENTS: address(
      /^[a-z+]+:\/\//,
      "must be an address, as mongodb://HOST/DATABASE or postgres://HOST/DATABASE",
    ).optional(),
    /** Where keys and values lie, instead of in the application's own database. */
    BANYAN_KV: address(
      /^(rediss?|postgres(ql)?):\/\//,
      "must begin with redis://, rediss:// or postgres://",
    ).optional(),
    /** What hands out jobs in place of the database: redis:// or rediss:// (BullMQ). */
    BANYAN_QUEUE: address(/^rediss?:\/\//, "must begin with redis:// or rediss://").optional(),
    /** Keeps applications that share a broker apart. */
    BANYAN_NAMESPACE: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, "may hold letters, digits, - and _, 64 at most")
      .optional(),
    /** Where a node on tcp:// is reached, as 10.0.0.7:4100. */
    BANYAN_LISTEN: z
      .string()
      .regex(/^((\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}|unix:\/.+)$/, "must be an address and a port, as 10.0.0.7:4100")
      .optional(),
    /** Files of a node on tcp://: the authority, and this node's certificate and key. All three, or none. */
    BANYAN_TLS_CA: z.string().optional(),
    BANYAN_TLS_CERT: z.string().optional(),
    BANYAN_TLS_KEY: z.string().optional(),
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
    ({ BANYAN_TLS_CA, BANYAN_TLS_CERT, BANYAN_TLS_KEY }) =>
      new Set([BANYAN_TLS_CA, BANYAN_TLS_CERT, BANYAN_TLS_KEY].map((file) => file === undefined)).size === 1,
    { path: ["BANYAN_TLS_CERT"], error: "needs BANYAN_TLS_CA and BANYAN_TLS_KEY beside it; set all three or none" },
  )
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
  throw wrongVariable(issue?.path.join(".") ?? "", issue?.message ?? "");
}

/** What `make` makes of a variable. Throws a usage failure that names the variable where `make` refuses what it says. */
export async function ofVariable<T>(name: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw wrongVariable(name, (error as Error).message);
  }
}

function wrongVariable(name: string, why: string): CommandFailure {
  return usageFailure(
    `The environment variable ${name} is wrong: ${why.replace(/\.$/, "")}.`,
    "Correct it, or unset it to get the default.",
  );
}
