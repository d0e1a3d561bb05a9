import { codecConformance } from "@banyan/conformance/codec";
import { msgpackCodec } from "../src/index.ts";

codecConformance("MessagePack with records", msgpackCodec);
