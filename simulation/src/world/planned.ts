/** A failure that the world planned. */
export class Planned extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Planned";
  }
}
