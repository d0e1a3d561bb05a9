/** Where something stands among what is sorted by time: at one instant (milliseconds since 1970) by its partition, and by its number there. */
export type TimePlace = readonly [at: number, partition: number, number: number];

export function textOfPlace(place: TimePlace): string {
  return place.join(".");
}

/** Undefined where a text is none that `textOfPlace` wrote. */
export function placeOfText(text: string): TimePlace | undefined {
  const [, at, partition, number] = /^(\d{1,13})\.(\d{1,4})\.(\d{1,15})$/.exec(text) ?? [];
  return number === undefined ? undefined : [Number(at), Number(partition), Number(number)];
}
