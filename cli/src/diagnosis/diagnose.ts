import { CommandFailure } from "../failure.ts";
import { type Environment, readEnvironment } from "../project/environment.ts";
import { findProject, type Project } from "../project/project.ts";
import { type Finding, good, wrong } from "./finding.ts";
import { clock, memory, nodeVersion, postgresBinary, user } from "./machine.ts";
import { database, dataFolder, diskSpace, port } from "./project.ts";

/** Looks at everything that a start needs. Changes nothing, and starts nothing. */
export async function diagnose(): Promise<readonly Finding[]> {
  const findings: Finding[] = [nodeVersion(), user(), memory(), clock()];
  let environment: Environment;
  let project: Project;
  try {
    environment = readEnvironment();
    project = await findProject();
  } catch (error) {
    const advice = error instanceof CommandFailure ? error.advice : "Correct it and run this again.";
    return [...findings, wrong("configuration", (error as Error).message, advice)];
  }
  const { config } = project;
  findings.push(
    good(
      "configuration",
      `${config.title}, services: ${config.services.map(({ contract }) => contract.name).join(", ")}; in ${config.root}`,
    ),
  );
  findings.push(dataFolder(project), diskSpace(project));
  if (environment.DATABASE_URL === undefined) findings.push(postgresBinary());
  findings.push(await port(project, environment), ...(await database(project, environment)));
  return findings;
}
