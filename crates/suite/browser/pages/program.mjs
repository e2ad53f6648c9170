// One program that the tests start, stop, and start again.
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import net from "node:net";
import { until } from "./until.mjs";

export class Program {
  /**
   * @param {string} name
   * @param {string} command
   * @param {{ args?: string[], env?: Record<string, string>, folder: string, isReady: () => Promise<boolean> }} options
   */
  constructor(name, command, { args = [], env = {}, folder, isReady }) {
    Object.assign(this, { name, command, args, env, folder, isReady });
    this.child = null;
  }

  get isRunning() {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts it, and waits until it is ready. */
  async start() {
    if (this.isRunning) return;
    if (await this.isReady()) throw new Error(`another program answers where ${this.name} would`);
    const log = openSync(`${this.folder}/${this.name}.log`, "a");
    const env = { PATH: process.env.PATH, HOME: this.folder, RUST_LOG: "warn", ...this.env };
    this.child = spawn(this.command, this.args, { cwd: this.folder, env, stdio: ["ignore", log, log] });
    await until(`${this.name} is ready`, async () => {
      const ready = await this.isReady();
      if (!this.isRunning) throw new Error(`${this.name} has ended, see its log`);
      return ready;
    });
  }

  /** Sends the signal, and waits for the end. */
  async end(signal = "SIGTERM") {
    if (!this.isRunning) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await ended;
  }
}

/** Whether a program listens on this port of the loopback address. */
export function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(socket.destroy() !== null));
    socket.once("error", () => resolve(false));
  });
}

/** Whether the program at `base` is connected to the broker. */
export const isReady = (base) => fetch(`${base}/readyz`).then((answer) => answer.ok, () => false);
