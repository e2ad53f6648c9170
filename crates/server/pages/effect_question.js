// What a dialog asks about an effect: what the choice would do, and then that it be done. Nothing is done
// that is not shown. No DOM here.
import { isSameEffect } from "./unchanged.js";

/** Milliseconds without a change of the choice, after which its effect is asked for. */
const DELAY = 100;

/** @typedef {import("./effects.js").Affected} Affected */

/** @template Choice */
export class EffectQuestion {
  /**
   * @param {{ choice: () => Choice, simulate: (choice: Choice, signal: AbortSignal) => Promise<Affected[]>,
   *   act: (choice: Choice) => Promise<Affected[]>, isPossible: (effect: Affected[]) => boolean, render: () => void }} parts
   *   `render` shows the question; it is called after each change of it.
   */
  constructor({ choice, simulate, act, isPossible, render }) {
    this.choice = choice;
    this.simulate = simulate;
    this.act = act;
    this.isPossible = isPossible;
    this.render = render;
    /** @type {Affected[] | null} What the choice would do; `null` if that is not known. */
    this.effect = null;
    /** @type {unknown} Why the last look has failed. */
    this.unknown = null;
    /** @type {unknown} Why it was not done. */
    this.refused = null;
    /** Whether it was not done because it would do something else than was shown. */
    this.hasChanged = false;
    this.isLooking = false;
    this.isActing = false;
    this.looking = new AbortController();
    this.timer = /** @type {any} */ (0);
  }

  /** Asks what the choice of now would do; an earlier answer counts no more. */
  look() {
    clearTimeout(this.timer);
    this.looking.abort();
    this.looking = new AbortController();
    const { signal } = this.looking;
    this.effect = null;
    this.isLooking = true;
    this.render();
    this.timer = setTimeout(() => this.ask(signal), DELAY);
  }

  async ask(/** @type {AbortSignal} */ signal) {
    try {
      const effect = await this.simulate(this.choice(), signal);
      if (signal.aborted) return;
      this.effect = effect;
    } catch (error) {
      if (signal.aborted) return;
      this.unknown = error;
    }
    this.isLooking = false;
    this.render();
  }

  /** Where nothing is known, a press looks again. */
  get mayPress() {
    return !this.isLooking && !this.isActing && (this.effect === null || this.isPossible(this.effect));
  }

  /**
   * Does what is shown, if that is what it still does.
   * @returns {Promise<Affected[] | null>} What became of the reservas; `null` if it was not done.
   */
  async confirm() {
    if (!this.mayPress) return null;
    this.refused = null;
    this.hasChanged = false;
    if (this.effect === null) {
      this.look();
      return null;
    }
    this.isActing = true;
    this.render();
    try {
      const choice = this.choice();
      return (await this.stillHolds(choice, this.effect)) ? await this.act(choice) : null;
    } catch (error) {
      this.refused = error;
      // It may be done, though no answer came.
      this.look();
      return null;
    } finally {
      this.isActing = false;
      this.render();
    }
  }

  /** Whether the choice would do what is shown. If not, what it would do is shown. */
  async stillHolds(/** @type {Choice} */ choice, /** @type {Affected[]} */ shown) {
    const { signal } = this.looking;
    try {
      const now = await this.simulate(choice, signal);
      // Something else was chosen meanwhile, which was not confirmed.
      if (signal.aborted) return false;
      if (isSameEffect(shown, now)) return true;
      this.effect = now;
      this.hasChanged = true;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return false;
  }
}
