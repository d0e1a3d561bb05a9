/** Where the names of a record lead, taken one after the other from the root: records of one shape end at one place. */
export class Place {
  /** The number of the shape that ends here; -1 as long as none does. */
  shape = -1;
  /** How many names lead here. */
  readonly depth: number;
  private readonly name: string;
  private readonly before: Place | undefined;
  /** Nearly always the one asked for: records that are alike come one behind the other, and the Map costs more than all the rest. */
  private last: Place | undefined;
  private readonly places = new Map<string, Place>();

  constructor(name = "", before?: Place) {
    this.name = name;
    this.before = before;
    this.depth = before === undefined ? 0 : before.depth + 1;
  }

  /** One name further; undefined where no record has been yet. */
  next(name: string): Place | undefined {
    if (this.last?.name === name) return this.last;
    const place = this.places.get(name);
    if (place !== undefined) this.last = place;
    return place;
  }

  add(name: string): Place {
    const place = new Place(name, this);
    this.places.set(name, place);
    this.last = place;
    return place;
  }

  names(): string[] {
    const names: string[] = [];
    for (let place: Place = this; place.before !== undefined; place = place.before) names.push(place.name);
    return names.reverse();
  }
}
