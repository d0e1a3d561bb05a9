import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where destinations of the journeys write, in whichever process: told apart by their ids. */
export const destinationsFolder = join(tmpdir(), "banyan-user-events-journeys");
