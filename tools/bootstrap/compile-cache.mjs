// @ts-check
/**
 * Loaded before the program: keeps compiled code and stripped types between runs, which is half of what a start computes.
 * In the user's own folder, since what lies where others write is not for running; without a home there is no cache.
 */
import module from "node:module";
import { join } from "node:path";

if (process.env.HOME) module.enableCompileCache?.(join(process.env.HOME, ".cache", "banyan", "compiled"));
