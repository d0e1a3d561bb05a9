import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import type { Log } from "@banyan/kernel/log";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { OwnServer, type OwnServerName } from "../own-server.ts";
import { type Certificate, selfSigned } from "../test-certificate.ts";
import { describeWithOwnServer } from "../test-server.ts";
import { expectTrip } from "./trip.ts";

/** Who asks a server for entry, and whom they trust. */
export interface Visitor {
  readonly user: string;
  readonly password: string;
  readonly tls?: { readonly ca: string };
}

/** A log whose server knows its users, and speaks TLS only. */
export interface AccessSubject {
  readonly server: OwnServerName;
  readonly title: string;
  /** What runs the program, where it does not run by itself. */
  readonly runtime?: string;
  /** What that is started with; `users` get in by the password `p@ss/word`. */
  args(
    port: number,
    place: { readonly folder: string; readonly certificate: Certificate; readonly program: string },
  ): readonly string[];
  /** A client of it on localhost, not yet open. */
  create(port: number, visitor: Visitor): Log;
  /** Who may do everything. */
  readonly users: readonly string[];
  /** A user who gets in, and may not do all that a log does; the name is the password. */
  readonly limited: { readonly title: string; readonly user: string };
}

const password = "p@ss/word";

/** Whom a log's server lets in, and what the others are told. */
export function describeAccess(subject: AccessSubject): void {
  describeWithOwnServer(subject.server, subject.title, (program) => {
    let folder: string;
    let server: OwnServer | undefined;
    let certificate: Certificate;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), `banyan-${subject.server}-access-`));
      certificate = selfSigned(folder);
      const args = (port: number) => subject.args(port, { folder, certificate, program });
      server = await OwnServer.start(subject.runtime ?? program, args);
    }, 60_000);
    afterAll(async () => {
      await server?.kill();
      rmSync(folder, { recursive: true });
    });

    /** Comes in, appends and reads. */
    const visit = async (user: string, password: string, isTrusted = true) => {
      const tls = isTrusted && { tls: { ca: certificate.ca } };
      const log = subject.create((server as OwnServer).port, { user, password, ...tls });
      onTestFinished(() => log.close({ deadlineMs: 1_000 }));
      await log.open({ signal: AbortSignal.timeout(10_000) });
      await expectTrip(log);
    };

    test.for(subject.users)("%s appends and reads with the right password and the server's authority", async (user) => {
      await visit(user, password);
    });

    test.for(
      subject.users.flatMap((user) => [
        ["a wrong password", user, "wrong", true] as const,
        ["a server that nobody vouches for", user, password, false] as const,
      ]),
    )("%s: %s is refused", async ([, user, given, isTrusted]) => {
      const error = await visit(user, given, isTrusted).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "log.unavailable" });
      expect(inspect(error, { depth: 10 })).not.toContain(given);
    });

    test(`${subject.limited.title} is refused`, async () => {
      const { user } = subject.limited;
      await expect(visit(user, user)).rejects.toMatchObject({ code: expect.stringMatching(/^log\./) });
    });
  });
}
