import { CommandFailure } from "../failure.ts";
import { type LoadedConfig, loadConfig } from "../project/config.ts";
import { findProject, type Project } from "../project/project.ts";
import { type Finding, good, wrong } from "./finding.ts";
import { clock, memory, nodeVersion, postgresBinary, user } from "./machine.ts";
import { database, dataFolder, diskSpace, port } from "./project.ts";

/** Looks at everything that a start needs. Changes nothing, and starts nothing. */
export async function diagnose(): Promise<readonly Finding[]> {
  const findings: Finding[] = [nodeVersion(), user(), memory(), clock()];
  let project: Project;
  let config: LoadedConfig;
  try {
    project = await findProject();
    config = await loadConfig(project.configFile);
  } catch (error) {
    const advice = error instanceof CommandFailure ? error.advice : "Correct it and run this again.";
    return [...findings, wrong("configuration", (error as Error).message, advice)];
  }
  const names = config.services.map(({ contract }) => contract.name);
  findings.push(good("configuration", `${config.title}, services: ${names.join(", ")}; ${project.configFile}`));
  findings.push(dataFolder(project), diskSpace(project));
  if (project.environment.DATABASE_URL === undefined) findings.push(postgresBinary());
  findings.push(await port(project, config), ...(await database(project)));
  return findings;
}
