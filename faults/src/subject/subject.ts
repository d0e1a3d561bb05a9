import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Failpoint } from "./failpoints.ts";
import type { Answer, Question } from "./main.ts";

/** Where a process finds its database and its log. */
export interface SubjectOptions {
  readonly databaseUrl: string;
  readonly logUrl: string;
  readonly namespace: string;
  readonly engine: string;
}

/** Where in the machine it runs. */
export interface SubjectPlace {
  /** A command line that leads to where it runs; empty for here. */
  readonly entrance: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

type Asked = Question extends infer One ? (One extends Question ? Omit<One, "number"> : never) : never;

const entry = fileURLToPath(new URL("./main.ts", import.meta.url));
const startMs = 60_000;

/** It ended, or went away, before it answered: what was asked may have been done. */
export class Gone extends Error {
  override readonly name = "Gone";
}

/** One process of the application under test. */
export class Subject {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, (answer: Answer | undefined) => void>();
  private readonly exited: Promise<unknown>;
  private last = 0;
  private readonly said: string[] = [];

  private constructor(options: SubjectOptions, { entrance, environment }: SubjectPlace) {
    const [program = process.execPath, ...rest] = [...entrance, process.execPath, entry, JSON.stringify(options)];
    this.child = spawn(program, rest, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, ...environment },
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.said.push(text);
        this.said.splice(0, this.said.length - 50);
      });
    }
    this.child.on("message", (answer: Answer) => this.waiting.get(answer.number)?.(answer));
    this.exited = once(this.child, "exit");
    void this.exited.then(() => {
      for (const settle of this.waiting.values()) settle(undefined);
    });
  }

  /** Resolves when it serves. Throws with what it said where it ends instead. */
  static async start(options: SubjectOptions, place: SubjectPlace): Promise<Subject> {
    const subject = new Subject(options, place);
    const ready = new Promise<Answer | undefined>((resolve) => {
      subject.waiting.set(0, resolve);
      setTimeout(() => resolve(undefined), startMs).unref();
    });
    if ((await ready) === undefined) {
      subject.kill("SIGKILL");
      throw new Error(`the application did not start:\n${subject.said.join("")}`);
    }
    subject.waiting.delete(0);
    return subject;
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get ended(): Promise<unknown> {
    return this.exited;
  }

  /** What it printed last. */
  get output(): string {
    return this.said.join("");
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  add(operation: { readonly id: string; readonly counter: string; readonly amount: number }): Promise<Answer> {
    return this.ask({ ask: "add", ...operation });
  }

  /** Dies when it passes the point for the `nth` time. */
  arm(point: Failpoint, nth: number): Promise<Answer> {
    return this.ask({ ask: "arm", point, nth });
  }

  disarm(): Promise<Answer> {
    return this.ask({ ask: "disarm" });
  }

  /** Answers whether any dead letter is left. */
  redrive(): Promise<Answer> {
    return this.ask({ ask: "redrive" });
  }

  /** How many events wait. */
  backlog(): Promise<Answer> {
    return this.ask({ ask: "backlog" });
  }

  /** SIGTERM, then what it takes. */
  async stop(): Promise<void> {
    this.kill("SIGCONT");
    this.kill("SIGTERM");
    const cut = setTimeout(() => this.kill("SIGKILL"), 10_000);
    await this.exited;
    clearTimeout(cut);
  }

  private ask(question: Asked): Promise<Answer> {
    if (!this.isAlive || !this.child.connected) return Promise.reject(new Gone("the process is not there"));
    const number = ++this.last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(undefined), 30_000);
      const settle = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.waiting.delete(number);
        if (answer === undefined) reject(new Gone("the process ended before it answered"));
        else resolve(answer);
      };
      this.waiting.set(number, settle);
      this.child.send({ ...question, number } as Question, (error) => error && settle(undefined));
    });
  }
}
