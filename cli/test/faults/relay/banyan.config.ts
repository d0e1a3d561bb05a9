import { defineConfig } from "@banyan/cli";
import { relayService } from "./service.ts";

export default defineConfig({ title: "Relay", services: [relayService] });
