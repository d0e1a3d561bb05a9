import { Controller, Logger, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientProxyFactory, MessagePattern, Payload, Transport } from "@nestjs/microservices";
import { firstValueFrom } from "rxjs";
import { calleeMethods, echoCaller } from "../../src/bus/echo.ts";
import { decorate } from "../decorate.mjs";

class EchoController {
  async echo(payload) {
    return payload;
  }
}
decorate(EchoController, {
  on: [Controller()],
  methods: { echo: { on: [MessagePattern("bench.echo")], types: [Object], parameters: [Payload()] } },
});
class EchoModule {}
decorate(EchoModule, { on: [Module({ controllers: [EchoController] })] });

/** `transport` "tcp" or "redis", with a port. */
export async function open({ role, transport, port }) {
  Logger.overrideLogger(false);
  const over = overTransport(transport, port);
  if (role === "callee") {
    const app = await NestFactory.createMicroservice(EchoModule, { logger: false, ...over });
    await app.listen();
    return calleeMethods(() => "");
  }
  const proxy = ClientProxyFactory.create(over);
  await proxy.connect();
  return echoCaller((payload) => firstValueFrom(proxy.send("bench.echo", payload)));
}

function overTransport(transport, port) {
  const options = { host: "127.0.0.1", port };
  if (transport === "redis") return { transport: Transport.REDIS, options };
  if (transport === "tcp") return { transport: Transport.TCP, options };
  throw new Error(`This peer is not measured over ${transport}.`);
}
