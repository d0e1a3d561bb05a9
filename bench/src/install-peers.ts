import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../peers/", import.meta.url);

/** Whether the peers' libraries lie in `bench/peers/node_modules` as its lock file wants them. */
export function peersInstalled(): boolean {
  const installed = new URL("node_modules/.package-lock.json", folder);
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(new URL("package-lock.json", folder)).mtimeMs;
}

/**
 * Installs the peers' libraries from their lock file (about 100 MB, 15 s).
 * They are no dependencies of the project, so that installing and starting it stays quick.
 */
export async function installPeers(): Promise<void> {
  const cli = process.env.npm_execpath;
  const [command, ...first] = cli ? [process.execPath, cli] : ["npm"];
  // `npm ci` refuses a lock that leaves out optional packages of other platforms, which a registry may not have.
  const args = [...first, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
  const child = spawn(command ?? "npm", args, { cwd: fileURLToPath(folder), stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  if (code === 0) return;
  throw new Error(
    `npm could not install the peers in bench/peers (exit ${code}; its message is above). ` +
      "Try again with network access, or measure beside what is installed with: npm run bench -- --no-install",
  );
}
