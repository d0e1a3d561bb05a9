import { Body, Controller, Get, Module, Param, Post, ValidationPipe } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { ArrayMaxSize, IsEmail, IsInt, IsString, Length, Max, Min } from "class-validator";
import { cpuMicros } from "../../src/server-cpu.ts";
import { decorate } from "../decorate.mjs";
import { created, found, host } from "./users.mjs";

class User {}
decorate(User, {
  properties: {
    name: [IsString(), Length(1, 50)],
    email: [IsEmail()],
    age: [IsInt(), Min(0), Max(150)],
    tags: [ArrayMaxSize(10), IsString({ each: true })],
  },
});

class Users {
  get(id) {
    return found(id);
  }

  create(user) {
    return created(user);
  }
}
decorate(Users, {
  on: [Controller("users")],
  methods: {
    get: { on: [Get(":id")], types: [String], parameters: [Param("id")] },
    create: { on: [Post()], types: [User], parameters: [Body()] },
  },
});

class UsersModule {}
decorate(UsersModule, { on: [Module({ controllers: [Users] })] });

export async function open() {
  const app = await NestFactory.create(UsersModule, new FastifyAdapter(), { logger: false });
  app.useGlobalPipes(new ValidationPipe());
  await app.listen(0, host);
  const address = await app.getUrl();
  return { address: () => address, cpuMicros };
}
