import { readFile, stat } from "node:fs/promises";
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from "node:tls";
import { Refused } from "./refusal.ts";

/** Paths of PEM files. They may be replaced at any time: what connects later sees the new ones. */
export interface CertificateFiles {
  /** Who signs the nodes of this system, and nobody else's: whoever holds a certificate of it gets in. */
  readonly ca: string;
  /** Of this node, with the chain to the authority; names what it offers as URIs `banyan://service/NAME` in subjectAltName. */
  readonly cert: string;
  readonly key: string;
}

const SERVICE = /^URI:banyan:\/\/service\/([a-zA-Z][\w.-]*)$/;
/** Entries of Node's subjectAltName text: parted by commas, except within the quotes around a value that holds one. */
const SAN_ENTRY = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g;

/** What this node shows, and whom it trusts; read again when a file changes. */
export class Certificates {
  /** For what dials from now on. */
  context: SecureContext;
  options: SecureContextOptions;
  readonly #files: CertificateFiles;
  #changedMs: string;
  #timer: NodeJS.Timeout | undefined;

  private constructor(files: CertificateFiles, loaded: Loaded) {
    this.#files = files;
    this.context = loaded.context;
    this.options = loaded.options;
    this.#changedMs = loaded.changedMs;
  }

  static async load(files: CertificateFiles): Promise<Certificates> {
    return new Certificates(files, await load(files));
  }

  /** Looks every `everyMs`; `renewed` hears of new ones, `failed` of files that do not fit together, which are tried again. */
  watch(everyMs: number, ears: { renewed(): void; failed(error: unknown): void }): void {
    this.#timer = setInterval(() => {
      this.#renew().then(
        (changed) => changed && ears.renewed(),
        (error) => ears.failed(error),
      );
    }, everyMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<boolean> {
    if ((await changedMs(this.#files)) === this.#changedMs) return false;
    const { context, options, changedMs: seen } = await load(this.#files);
    this.context = context;
    this.options = options;
    this.#changedMs = seen;
    return true;
  }
}

interface Loaded {
  readonly context: SecureContext;
  readonly options: SecureContextOptions;
  readonly changedMs: string;
}

async function load(files: CertificateFiles): Promise<Loaded> {
  // Before reading: a change in between is then seen as one.
  const seen = await changedMs(files);
  const [ca, cert, key] = await Promise.all([readFile(files.ca), readFile(files.cert), readFile(files.key)]);
  const options: SecureContextOptions = { ca, cert, key, minVersion: "TLSv1.3" };
  return { context: createSecureContext(options), options, changedMs: seen };
}

async function changedMs(files: CertificateFiles): Promise<string> {
  const all = await Promise.all([stat(files.ca), stat(files.cert), stat(files.key)]);
  return all.map(({ mtimeMs }) => mtimeMs).join();
}

/** The services that the other end's certificate names, at least one. Raises `Refused` where it is not one of ours. */
export function servicesOf(socket: TLSSocket): readonly string[] {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new Refused("certificate_missing", "it showed no certificate");
  const { subject = "", subjectAltName = "", validTo } = certificate;
  if (!socket.authorized) {
    const why = String(socket.authorizationError);
    if (why !== "CERT_HAS_EXPIRED") throw new Refused("certificate_untrusted", `${oneLine(subject)}: ${why}`);
    throw new Refused("certificate_expired", `${oneLine(subject)}: it ended ${validTo}`);
  }
  const services = namesIn(subjectAltName);
  if (services.length > 0) return services;
  throw new Refused("certificate_unnamed", `${oneLine(subject)}: no banyan://service/NAME in subjectAltName`);
}

/** "URI:banyan://service/ledger, DNS:a.internal" -> ["ledger"] */
function namesIn(subjectAltName: string): readonly string[] {
  return (subjectAltName.match(SAN_ENTRY) ?? []).flatMap((entry) => SERVICE.exec(entry.trim())?.[1] ?? []);
}

function oneLine(subject: string): string {
  return JSON.stringify(subject.replaceAll("\n", ", "));
}
