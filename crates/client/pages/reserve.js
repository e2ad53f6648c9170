// The form that reserves a posto.
import { ApiError, now, query } from "./api.js";
import { Attempt, PageError } from "./actions.js";
import { asTyped, levelInKwh } from "./battery.js";
import { CAR_FIELDS, canRemember, forgetCar, rememberCar, rememberedCar } from "./car.js";
import { element } from "./dom.js";
import { ambiguousField, clearErrors, incompleteField, onSubmit, showErrors } from "./forms.js";
import { typedNumber } from "./format.js";
import { reservaLink } from "./links.js";
import { periodOf } from "./period.js";
import { forgetToken, isTokenRefused, keepToken, lacksToken } from "./tokens.js";
import { text } from "./texts.js";
import { ask, earlierRequests, ownReserva, requestIdOf, send } from "./unanswered.js";

const NUMBERS = ["capacidade_bateria", "nivel_bateria_atual", "taxa_descarga"];
const LEVEL = "nivel_bateria_atual";
const HELD_BY_THIS_CARRO = "posto_ja_reservado_para_este_carro";
/** What helps after these is another posto. */
const TAKEN = ["posto_reservado", "posto_indisponivel", "posto_em_manutencao", "posto_inexistente", HELD_BY_THIS_CARRO];

export class ReserveForm {
  /** @param {HTMLFormElement} form @param {() => string} nameOfPosto */
  constructor(form, nameOfPosto) {
    this.form = form;
    this.nameOfPosto = nameOfPosto;
    // Not with the key of the HTML: a page that the back button leads to has a key that was used.
    this.attempt = new Attempt();
    this.remember = this.field("remember");
    this.done = element("div", { role: "status" });
    form.append(this.done);
    /** The level that nobody has typed: it is the typical one, and of another battery half of it. */
    this.ownLevel = this.field(LEVEL).dataset.typical;
    this.field("capacidade_bateria").addEventListener("input", () => this.fillLevel());
    this.showCar();
    this.showTimes();
    this.hideKeptToken();
    onSubmit(form, () => this.submit());
  }

  /** @param {string} name @returns {HTMLInputElement} */
  field(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }

  /** What is typed. */
  values() {
    const data = new FormData(this.form);
    const names = [...CAR_FIELDS, LEVEL, "inicio", "fim", "duracao", "server_id", "posto_id"];
    return Object.fromEntries(names.map((name) => [name, String(data.get(name) ?? "").trim()]));
  }

  /** What the API is asked for. Values that are no numbers go as they are: the API says what is wrong. */
  body() {
    const { inicio, fim, duracao, placa, modelo, server_id, posto_id, ...typed } = this.values();
    const number = (/** @type {string} */ name) =>
      (name === LEVEL ? levelInKwh(typed[name], typed.capacidade_bateria) : typedNumber(typed[name]));
    const given = NUMBERS.filter((name) => typed[name] !== "")
      .map((name) => [name, Number.isNaN(number(name)) ? typed[name] : number(name)]);
    return {
      placa,
      modelo: modelo || text("car.unknown"),
      ...Object.fromEntries(given),
      server_id,
      posto_id: Number(posto_id),
      ...periodOf({ inicio, fim, duracao }, now()),
    };
  }

  async submit() {
    clearErrors(this.form);
    this.done.replaceChildren();
    const wrong = this.wrongToken() ?? incompleteField(this.form) ?? ambiguousField(this.form, NUMBERS);
    if (wrong) {
      showErrors(this.form, wrong);
      return false;
    }
    const { key, body } = this.attempt.next(this.values(), () => this.body());
    this.rememberOrForget();
    try {
      const made = await send({ key, body, nome: this.nameOfPosto() });
      this.attempt.done();
      // The other page may take long, or never come.
      this.done.replaceChildren(element("p", { class: "notice good" }, `${text("reserve.done")} `, reservaAnchor(made)));
      location.assign(reservaLink(made));
      return true;
    } catch (error) {
      this.attempt.failed(error);
      if (isTokenRefused(error)) this.askTokenAgain();
      const earlier = await foundEarlier(error, body, key);
      if (earlier) showErrors(this.form, new PageError(earlier.key), earlier.help);
      else showErrors(this.form, error, helpOf(error, body));
      return false;
    }
  }

  /** Keeps the token that was typed, or says what is wrong with it. */
  wrongToken() {
    const typed = this.field("token")?.value;
    if (typed && !keepToken(typed)) return new PageError("token.refused", "token");
    if (!lacksToken()) return null;
    // Another tab may have forgotten the one for which the field was hidden.
    this.showToken();
    return new PageError("token.needed", "token");
  }

  showCar() {
    if (!canRemember()) return;
    const label = this.remember.closest("label");
    if (label) label.hidden = false;
    const forget = element("button", { type: "button", text: text("car.forget"), onclick: () => this.forget(forget) });
    label?.after(forget);
    const car = rememberedCar();
    forget.hidden = !car;
    this.remember.checked = car !== null;
    // What was typed and refused stays.
    const isRefused = this.field("placa").value !== "";
    if (!car || isRefused) return;
    for (const name of CAR_FIELDS) {
      if (car[name]) this.field(name).value = car[name];
    }
    this.fillLevel();
  }

  /** Half of the capacity is the level, unless another was typed: the typical one is of another battery. */
  fillLevel() {
    const level = this.field(LEVEL);
    const capacity = typedNumber(this.field("capacidade_bateria").value);
    if (level.value !== this.ownLevel || !(capacity > 0)) return;
    this.ownLevel = level.value = asTyped(capacity / 2);
  }

  /** What is asked for is seen: the browser fills in again what was typed before, also where it was not open. */
  showTimes() {
    const times = this.field("inicio").closest("details");
    const show = () => {
      if (times && (this.field("inicio").value || this.field("fim").value)) times.open = true;
    };
    show();
    times?.addEventListener("toggle", show);
    addEventListener("pageshow", show);
  }

  rememberOrForget() {
    const values = this.values();
    if (this.remember.checked) rememberCar(/** @type {import("./car.js").Car} */ (values));
    else forgetCar();
  }

  /** @param {HTMLElement} button */
  forget(button) {
    forgetCar();
    this.remember.checked = false;
    for (const name of [...CAR_FIELDS, LEVEL]) this.field(name).value = this.field(name).defaultValue;
    this.ownLevel = this.field(LEVEL).dataset.typical;
    button.hidden = true;
    this.field("placa").focus();
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  hideKeptToken() {
    const token = this.field("token");
    if (!token || lacksToken()) return;
    token.required = false;
    token.closest(".field")?.setAttribute("hidden", "");
  }

  askTokenAgain() {
    forgetToken();
    const token = this.field("token");
    if (token) token.value = "";
    this.showToken();
  }

  showToken() {
    this.field("token")?.closest(".field")?.removeAttribute("hidden");
  }
}

/**
 * What an earlier request of this device has to do with a posto that is refused because its own carro
 * holds it: the reserva that it made, or that nobody knows what became of it.
 * @param {unknown} error @param {import("./unanswered.js").Body} body @param {string} key
 */
async function foundEarlier(error, body, key) {
  if (!(error instanceof ApiError) || error.codigo !== HELD_BY_THIS_CARRO) return null;
  for (const { request, isSame } of earlierRequests(body, key)) {
    if (!isSame) continue;
    const made = await ask(request).catch(() => null);
    if (made) return { key: "reserve.earlier", help: seeReserva(made) };
  }
  const kept = ownReserva(body);
  if (kept) return { key: "reserve.own", help: seeReserva(kept) };
  return earlierRequests(body, key).length > 0 ? { key: "reserve.lost", help: seeMine() } : null;
}

/** @param {unknown} error @param {{ server_id: string }} body */
function helpOf(error, { server_id }) {
  const request_id = requestIdOf(error);
  if (request_id !== undefined) return seeReserva({ server_id, request_id });
  return error instanceof ApiError && TAKEN.includes(error.codigo) ? otherPostos() : null;
}

/** @param {{ server_id: string, request_id: string }} made */
const reservaAnchor = (made) => element("a", { href: reservaLink(made), text: text("reserve.see") });
const seeReserva = (/** @type {{ server_id: string, request_id: string }} */ made) => element("p", {}, reservaAnchor(made));

const seeMine = () => element("p", {}, element("a", { href: "./#mine", text: text("reserve.mine") }));

function otherPostos() {
  const connector = document.getElementById("posto")?.dataset.connector ?? "";
  const href = `./${query({ tipo_conector: connector, disponivel: "true" })}`;
  return element("p", {}, element("a", { href, text: text("reserve.others") }));
}
