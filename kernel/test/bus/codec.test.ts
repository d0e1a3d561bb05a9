import { codecConformance } from "@banyan/conformance/codec";
import { jsonCodec } from "@banyan/kernel/bus";

codecConformance("JSON", jsonCodec);
