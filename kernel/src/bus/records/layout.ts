/** The first byte of a payload: what it is made of. */
export const form = {
  values: 0,
  /** Behind the values stand the texts as a JSON array, and in the last 4 bytes how many bytes these are. */
  texts: 1,
  /** In the place of the texts stands `[number, shapes, texts]`: new shapes, by the names of their fields, counted from that number. */
  shapes: 2,
  /** By itself: the value as JSON. */
  json: 3,
} as const;

/** The first byte of a value. Numbers are little-endian. */
export const tag = {
  null: 0,
  false: 1,
  true: 2,
  /** 4 bytes, signed. */
  integer: 3,
  /** 8 bytes. */
  double: 4,
  /** The next one of the texts. */
  text: 5,
  /** 4 bytes: how many values follow. */
  list: 6,
  /** 2 bytes: the number of its shape. The values of its fields follow. */
  record: 7,
  /** And everything above, up to 255: the integer itself, from 0 to 127. */
  smallInteger: 0x80,
} as const;

/** How many shapes a session remembers. Whoever writes begins again at number 0, and so overwrites what the reader has. */
export const SHAPES_MAX = 1_024;
/** A record with more fields is more likely a dictionary, and travels as JSON. */
export const NAMES_MAX = 1_000;
