import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { CertificateFiles } from "../src/index.ts";

/** Signs certificates for a test. DER by hand (X.690, RFC 5280): a library for it would weigh more than what is tested. */
export class Authority {
  readonly #key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #name: string;
  readonly pem: string;

  constructor(name: string) {
    this.#name = name;
    const basicConstraints = extension("551d13", sequence(der(0x01, Buffer.of(0xff))));
    this.pem = this.#issue({ subject: name, publicKey: this.#key.publicKey, extensions: [basicConstraints] });
  }

  /** Files of a node that may offer the services; without any its certificate has no subjectAltName. */
  files(services: readonly string[], options: NodeOptions = {}): CertificateFiles {
    const folder = mkdtempSync(join(tmpdir(), "banyan-certificates-"));
    folders.push(folder);
    const files = { ca: join(folder, "ca.pem"), cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    this.write(files, services, options);
    return files;
  }

  /** Replaces what is in the files. */
  write(files: CertificateFiles, services: readonly string[], { notAfter, dnsNames = [] }: NodeOptions = {}): void {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const uris = services.map((name) => der(0x86, Buffer.from(`banyan://service/${name}`)));
    const names = [...uris, ...dnsNames.map((name) => der(0x82, Buffer.from(name)))];
    const extensions = names.length === 0 ? [] : [extension("551d11", sequence(...names))];
    const subject = `node of ${services.join(" and ") || "nothing"}`;
    writeFileSync(files.ca, this.pem);
    writeFileSync(files.key, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(files.cert, this.#issue({ subject, publicKey, extensions, ...(notAfter && { notAfter }) }));
    // A clock of its own, so that two writes within one tick of the file system differ.
    writtenMs += 1_000;
    for (const path of Object.values(files)) utimesSync(path, writtenMs / 1_000, writtenMs / 1_000);
  }

  #issue({ subject, publicKey, extensions, notAfter = new Date(Date.now() + 3_600_000) }: Wanted): string {
    const algorithm = sequence(oid("2a8648ce3d040302")); // ecdsa-with-SHA256
    const validity = sequence(time(new Date(Date.now() - 86_400_000)), time(notAfter));
    const content = sequence(
      der(0xa0, integer(Buffer.of(2))),
      integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
      algorithm,
      commonName(this.#name),
      validity,
      commonName(subject),
      publicKey.export({ type: "spki", format: "der" }),
      ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
    );
    const signature = sign("sha256", content, this.#key.privateKey);
    const bytes = sequence(content, algorithm, der(0x03, Buffer.of(0), signature));
    const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
    return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
  }
}

interface NodeOptions {
  readonly notAfter?: Date;
  readonly dnsNames?: readonly string[];
}

interface Wanted {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly notAfter?: Date;
}

let writtenMs = Date.now();

/** Nodes may look at their files until the very end. */
const folders: string[] = [];
// Of the file that imports this, and after its own: a worker of Vitest's may be ended without an "exit".
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return der(0x02, bytes);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(name)))));
}

function time(date: Date): Buffer {
  return der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, "")));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value));
}
