/** How many levels of objects and lists a value has; of more than `levelsMax` it says only that there are more. */
export function depthOf(value: unknown, levelsMax: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (levelsMax === 0) return 1;
  let deepest = 0;
  for (const key in value) {
    const below = depthOf((value as Record<string, unknown>)[key], levelsMax - 1);
    if (below > deepest) deepest = below;
  }
  return deepest + 1;
}
