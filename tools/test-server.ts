import { describe, test } from "vitest";
import { type OwnServerName, programOf } from "./own-server.ts";

/**
 * A suite on the real server of ../shared/infra that BANYAN_TEST_<SERVER> names. Without one it is skipped, by a name that says
 * how to start it; CI starts it, and takes such a skip for a failure.
 */
export function describeWithServer(server: string, title: string, suite: (url: string) => void): void {
  const variable = `BANYAN_TEST_${server.toUpperCase()}`;
  const url = process.env[variable];
  if (url) describe(title, () => suite(url));
  else test.skipIf(true)(`${title} (needs ${variable}: eval "$(../shared/infra/up ${server})")`, () => {});
}

/** A suite on servers that it starts, stops and kills itself, with the program of the server that others share. */
export function describeWithOwnServer(server: OwnServerName, title: string, suite: (program: string) => void): void {
  const variable = `BANYAN_TEST_${server.toUpperCase()}`;
  const program = process.env[variable] ? programOf(server) : undefined;
  if (program) describe(title, () => suite(program));
  else test.skipIf(true)(`${title} (needs the program and ${variable} of ../shared/infra/up ${server})`, () => {});
}
