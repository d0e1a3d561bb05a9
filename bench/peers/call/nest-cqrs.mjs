import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { CommandBus, CommandHandler, CqrsModule } from "@nestjs/cqrs";
import { callLoops } from "../../src/loops.ts";
import { decorate } from "../decorate.mjs";

class Add {
  constructor(a, b) {
    this.a = a;
    this.b = b;
  }
}

class AddHandler {
  async execute({ a, b }) {
    return a + b;
  }
}
decorate(AddHandler, { on: [CommandHandler(Add)] });

class MathModule {}
decorate(MathModule, { on: [Module({ imports: [CqrsModule.forRoot()], providers: [AddHandler] })] });

export async function open() {
  const app = await NestFactory.createApplicationContext(MathModule, { logger: false });
  const bus = app.get(CommandBus);
  return callLoops(() => bus.execute(new Add(1, 2)));
}
