// The page of one reserva: how it is, changing it, cancelling it.
import { Attempt, PageError, cancel, change } from "./actions.js";
import { now } from "./api.js";
import { confirmCancel } from "./confirm.js";
import { byId, element, setField, setText } from "./dom.js";
import { clearErrors, incompleteField, onSubmit, showErrors } from "./forms.js";
import { Follower } from "./follow.js";
import { fullMoment, localInput, moment, pricePerKwh } from "./format.js";
import { changesOf, findKept, keepAgreed, updateKept } from "./kept.js";
import { Live } from "./live.js";
import { arrivalText, countdownText, newsOf, setOptional } from "./mine_item.js";
import { changedPeriod } from "./period.js";
import { PostoOfReserva } from "./posto_of_reserva.js";
import { allowed, phaseOf, sentenceKey, warningKey } from "./status.js";
import { askToken, forgetToken, keepToken, lacksToken, withToken } from "./tokens.js";
import { text } from "./texts.js";
import { registerWorker } from "./worker.js";
import { markZone } from "./zone.js";

/** @typedef {import("./status.js").Reserva} Reserva */

const TICK = 1000;

const article = byId("reserva");
const { serverId: server_id = "", requestId: request_id = "" } = article.dataset;
const target = { server_id, request_id };
const changeForm = /** @type {HTMLFormElement} */ (byId("change"));
const cancelForm = /** @type {HTMLFormElement} */ (byId("cancel"));
const seeForm = /** @type {HTMLFormElement | null} */ (document.getElementById("see"));
const done = element("p", { class: "notice good", role: "status", hidden: true });
const seen = element("button", { type: "button", text: text("mine.seen"), hidden: true, onclick: acknowledge });
const shownPosto = new PostoOfReserva(article, /** @type {any} */ (field(changeForm, "posto_id")));
const live = new Live();
const attempt = new Attempt();
const follower = new Follower({
  onReserva: (_, reserva) => { taken = take(reserva); },
  onServidor: (_, servidor) => {
    showServidor(servidor);
    if (servidor.status === "online") nameAgain();
  },
  onRefused: (_, codigo) => refused(codigo),
  onLive: (_, isLive, heard) => {
    if (isOver) return;
    live.set(isLive, heard);
    if (!isLive) return;
    // The servidor has answered. If it is away by now, an event says so next.
    clearOutage();
    nameAgain();
  },
});

/** @type {Reserva | null} */
let reserva = null;
/** Until the newest is shown. */
let taken = Promise.resolve();
let isOver = false;
let isTyped = false;
/** What the fields for the period were filled with. */
let filled = { inicio: "", fim: "" };
/** Whether a form that was sent before the modules were there has led here. */
let isNew = location.hash === "#nova";
/** What an event says while the driver changes the reserva here is no news. */
let isChanging = false;

start();

function start() {
  article.after(done);
  article.querySelector('[data-field="notice"]')?.after(seen);
  article.querySelector('[data-field="status"]')?.setAttribute("role", "status");
  // A token is asked for by a dialog, and kept.
  for (const form of [changeForm, cancelForm]) field(form, "token")?.closest(".field")?.remove();
  markZone(changeForm);
  byId("keep-address").append(" ", element("span", { class: "print-only", text: location.href.split("#")[0] }));
  // The HTML has it in the time of Brasília.
  const { inicio, fim } = article.dataset;
  if (inicio && fim && hasErrors()) {
    filled = { inicio: localInput(inicio), fim: localInput(fim) };
    // The first event would replace what was typed and refused.
    isTyped = true;
  } else if (inicio && fim) fillChange({ inicio, fim });
  changeForm.addEventListener("input", () => { isTyped = true; });
  onSubmit(changeForm, submitChange);
  onSubmit(cancelForm, submitCancel, async () => reserva !== null && confirmCancel({ ...reserva, nome: shownPosto.name() }));
  if (seeForm) {
    onSubmit(seeForm, async () => {
      clearErrors(seeForm);
      if (keepToken(field(seeForm, "token").value)) followAgain();
      else showErrors(seeForm, new PageError("token.refused", "token"));
    });
  }
  setInterval(() => document.hidden || show(), TICK);
  // A form in the HTML asks for the token.
  if (!lacksToken()) follower.follow([target]);
  registerWorker();
}

/** @param {HTMLFormElement} form @param {string} name */
function field(form, name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
}

/** Whether the HTML is the answer to a form that was refused, with what was typed. */
function hasErrors() {
  return !byId("errors").hidden;
}

/** @param {Reserva} fresh */
async function take(fresh) {
  reserva = fresh;
  await shownPosto.show(fresh.posto_id);
  if (reserva !== fresh) return;
  if (isNew) keepNew(fresh);
  const kept = updateKept(server_id, request_id, fresh, shownPosto.knownName());
  if (shownPosto.knownName() === "" && kept?.nome) setField(article, "posto", kept.nome);
  removeSeeForm();
  if (!isTyped) fillChange(fresh);
  show();
  isOver = phaseOf(fresh, now()) === "over";
  // Nothing comes after the end.
  if (isOver) follower.follow([]);
}

/** Keeps a reserva that this device has made without the modules, once. @param {Reserva} fresh */
function keepNew(fresh) {
  isNew = false;
  if (!findKept(server_id, request_id)) keepAgreed(server_id, request_id, fresh, shownPosto.knownName());
  history.replaceState(null, "", location.pathname + location.search);
}

/** Takes the token that was given, and with it what it shows. */
function followAgain() {
  follower.allow(target);
  follower.follow([target]);
}

function removeSeeForm() {
  // It takes the focus with it.
  const hadFocus = seeForm?.contains(document.activeElement);
  seeForm?.remove();
  if (hadFocus) byId("main").focus();
}

/** Asks for the name of the posto, if it could not be read before. */
function nameAgain() {
  if (reserva && !shownPosto.isRead) taken = take(reserva);
}

function show() {
  if (!reserva) return;
  const at = now();
  const { status, inicio, fim, placa, preco_kwh, livre_desde } = reserva;
  Object.assign(article.dataset, { status, inicio, fim, postoId: String(reserva.posto_id) });
  setField(article, "status", text(sentenceKey(reserva, at)));
  setField(article, "placa", placa);
  // Whole, for who prints it or keeps a picture of it.
  setField(article, "inicio", fullMoment(inicio));
  setField(article, "fim", fullMoment(fim));
  if (preco_kwh !== undefined) setField(article, "price", pricePerKwh(preco_kwh));
  setField(article, "countdown", countdownText(reserva, at));
  setOptional(article, "arrival", arrivalText(reserva, at));
  const kept = findKept(server_id, request_id);
  const news = kept && !isChanging ? newsOf(kept, at) : warning(reserva, at);
  const changes = kept && changesOf(kept);
  setOptional(article, "notice", [news, livre_desde && text("free_since", { time: moment(livre_desde) })].filter(Boolean).join(" "));
  seen.hidden = isChanging || phaseOf(reserva, at) === "over" || !(changes?.posto || changes?.period);
  showForms(reserva, at);
}

/** @param {Reserva} of @param {number} at */
function warning(of, at) {
  const key = warningKey(of, at);
  return key ? text(key) : "";
}

/** @param {Reserva} of @param {number} at */
function showForms(of, at) {
  const may = allowed(of, at);
  const [changing, cancelling] = [byId("change-section"), byId("cancel-section")];
  // What goes takes the focus with it.
  const hadFocus = [changing, cancelling].some((part) => part.contains(document.activeElement));
  changing.hidden = !may.change;
  cancelling.hidden = !may.cancel;
  field(changeForm, "inicio").disabled = !may.changeInicio;
  field(changeForm, "posto_id").disabled = !may.changePosto;
  if (hadFocus && document.activeElement?.closest("[hidden]")) byId("main").focus();
}

/** Fills in the period by the clock of the device. @param {{ inicio: string, fim: string }} of */
function fillChange({ inicio, fim }) {
  filled = { inicio: localInput(inicio), fim: localInput(fim) };
  field(changeForm, "inicio").value = filled.inicio;
  field(changeForm, "fim").value = filled.fim;
  field(changeForm, "posto_id").value = "";
}

async function submitChange() {
  clearErrors(changeForm);
  done.hidden = true;
  if (!reserva) return;
  const incomplete = incompleteField(changeForm);
  if (incomplete) {
    showErrors(changeForm, incomplete);
    return;
  }
  const [inicio, fim, posto] = ["inicio", "fim", "posto_id"].map((name) => field(changeForm, name));
  const typed = { inicio: inicio.disabled ? "" : inicio.value, fim: fim.value, posto: posto.disabled ? "" : posto.value };
  const makeBody = () => ({ ...changedPeriod(typed, filled), ...(typed.posto ? { posto_id: Number(typed.posto) } : {}) });
  if (Object.keys(makeBody()).length === 0) {
    say(text("change.nothing"));
    return;
  }
  isChanging = true;
  try {
    const { key, body } = attempt.next(typed, makeBody);
    const reply = await withToken(() => change(server_id, request_id, body, key));
    isTyped = false;
    // The next change is another one, even if it asks for the same.
    attempt.done();
    await agree(reply.reserva);
    say(text("change.done"));
  } catch (error) {
    attempt.failed(error);
    showErrors(changeForm, error);
  } finally {
    isChanging = false;
    show();
  }
}

async function submitCancel() {
  clearErrors(cancelForm);
  done.hidden = true;
  try {
    const reply = await withToken(() => cancel(server_id, request_id));
    follower.take(target, reply.reserva);
    byId("main").focus();
  } catch (error) {
    showErrors(cancelForm, error);
  }
}

/** Takes what the driver has asked for, which is no news to them. @param {Reserva} fresh */
async function agree(fresh) {
  follower.take(target, fresh);
  await taken;
  if (reserva && findKept(server_id, request_id)) keepAgreed(server_id, request_id, reserva, shownPosto.name());
}

function acknowledge() {
  if (reserva) keepAgreed(server_id, request_id, reserva, shownPosto.name());
  show();
  byId("main").focus();
}

/** @param {string} message */
function say(message) {
  done.hidden = false;
  setText(done, message);
}

function clearOutage() {
  for (const old of byId("notices").querySelectorAll("[data-outage]")) old.remove();
}

/** @param {{ status: string, desde?: string }} servidor */
function showServidor({ status, desde }) {
  const notices = byId("notices");
  notices.setAttribute("aria-live", "polite");
  clearOutage();
  if (status === "online") return;
  const since = desde ? text("notice.since", { time: moment(desde) }) : "";
  notices.append(element("p", { class: "notice", "data-outage": true, text: text("reserva.away", { servidor: server_id, since }) }));
}

/** @param {string} codigo */
async function refused(codigo) {
  if (codigo !== "nao_autenticado") {
    showErrors(changeForm, new PageError("mine.unknown"));
    return;
  }
  forgetToken();
  // Without a form for the token on the page a dialog asks for it.
  if (seeForm?.isConnected) showErrors(seeForm, new PageError("token.refused", "token"));
  else if (await askToken()) followAgain();
}
