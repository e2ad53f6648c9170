// Counts what a person does: a press, a choice, a text that is typed.
import { expect } from "./until.mjs";

export class Actions {
  done = [];

  async take(name, act) {
    this.done.push(name);
    await act();
  }

  expectAtMost(most) {
    expect(this.done.length <= most, `${this.done.length} actions: ${this.done.join(", ")}`);
  }
}
