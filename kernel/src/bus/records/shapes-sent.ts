import { NAMES_MAX, SHAPES_MAX } from "./layout.ts";
import { Place } from "./place.ts";

/** Values that travel as JSON after all leave places, and no shape. */
const PLACES_MAX = 20_000;

/** The shapes that the other side knows, and those that it gets with the payload that is being written. */
export class ShapesSent {
  root = new Place();
  /** Where the shapes end that go with this payload; they have the last numbers. */
  private ends: Place[] = [];
  private count = 0;
  private places = 0;

  /** Takes back what was added for a payload that came to nothing; forgets all where there is no room for more. */
  begin(): void {
    const isFull = this.count >= SHAPES_MAX || this.places >= PLACES_MAX;
    for (const place of this.ends) place.shape = -1;
    this.count -= this.ends.length;
    this.ends = [];
    if (!isFull) return;
    this.root = new Place();
    this.count = 0;
    this.places = 0;
  }

  place(before: Place, name: string): Place {
    const known = before.next(name);
    if (known !== undefined) return known;
    this.places++;
    return before.add(name);
  }

  /** The number of the shape that ends there; -1 where there is none left, or it has too many names. */
  number(end: Place): number {
    if (end.shape < 0 && this.count < SHAPES_MAX && end.depth <= NAMES_MAX) {
      end.shape = this.count++;
      this.ends.push(end);
    }
    return end.shape;
  }

  /** New shapes as the other side gets them; undefined where it knows all that it needs. */
  added(): { readonly from: number; readonly shapes: readonly string[][] } | undefined {
    if (this.ends.length === 0) return undefined;
    return { from: this.count - this.ends.length, shapes: this.ends.map((place) => place.names()) };
  }

  /** The payload goes, and what was added with it. */
  sent(): void {
    this.ends = [];
  }
}
