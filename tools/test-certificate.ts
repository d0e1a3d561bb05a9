import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate that vouches for itself. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** What those trust who trust it. */
  readonly ca: string;
}

/** Makes one in the folder, for a server on this machine: "localhost" and 127.0.0.1. */
export function selfSigned(folder: string): Certificate {
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = ["-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", ["req", "-x509", ...curve, ...files, ...subject, "-days", "2"], { stdio: "ignore" });
  return { certFile, keyFile, ca: readFileSync(certFile, "utf8") };
}
