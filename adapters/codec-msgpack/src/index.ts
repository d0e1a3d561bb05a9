export { msgpackCodec } from "./msgpack-codec.ts";
