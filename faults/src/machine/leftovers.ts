const undoings = new Set<() => void>();

process.on("exit", () => {
  for (const undo of undoings) {
    try {
      undo();
    } catch (error) {
      // The others are undone all the same.
      process.stderr.write(`${(error as Error).message}\n`);
    }
  }
});

/** Runs `undo` when this process ends, whatever ended it but SIGKILL, unless the answer was called before. */
export function undoneAtExit(undo: () => void): () => void {
  undoings.add(undo);
  return () => void undoings.delete(undo);
}
