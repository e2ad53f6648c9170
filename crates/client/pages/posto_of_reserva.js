// The posto of a reserva, which names only its number: its name, and the postos that could take its place.
import { call, query } from "./api.js";
import { element, saidIn, setText } from "./dom.js";
import { isSameConnector } from "./filters.js";
import { kilometres } from "./position.js";
import { fromApi } from "./postos.js";
import { text } from "./texts.js";

const MAX_ALTERNATIVES = 100;

export class PostoOfReserva {
  /** @param {HTMLElement} article @param {HTMLSelectElement} select Of the postos that could take its place. */
  constructor(article, select) {
    this.select = select;
    this.server_id = article.dataset.serverId ?? "";
    this.shown = Number(article.dataset.postoId);
    this.part = /** @type {HTMLElement} */ (article.querySelector('[data-field="posto"]'));
    /** Whether its name was looked for, and the list of postos was there. */
    this.isRead = this.knownName() !== "";
  }

  /** As it is shown. */
  name() {
    return saidIn(this.part);
  }

  /** `""` where only its number is known. */
  knownName() {
    return this.part.dataset.known === undefined ? "" : this.name();
  }

  /** Shows this one, and asks for its name as long as it could not be read. @param {number} postoId */
  async show(postoId) {
    if (this.shown !== postoId) {
      this.shown = postoId;
      this.isRead = false;
      setText(this.part, text("posto.number", { id: postoId }));
      delete this.part.dataset.known;
      this.offer([]);
    }
    if (this.isRead) return;
    const listed = await call(`postos${query({ server_id: this.server_id })}`).catch(() => null);
    // Another call may have read it meanwhile.
    if (!listed || this.shown !== postoId || this.isRead) return;
    this.isRead = true;
    const posto = listed.postos.find((/** @type {any} */ { id }) => id === postoId);
    if (posto) {
      setText(this.part, posto.nome);
      this.part.dataset.known = "";
    }
    this.offer(posto ? alternatives(this.server_id, listed.postos, posto) : []);
  }

  /** @param {any[]} postos */
  offer(postos) {
    this.select.replaceChildren(
      element("option", { value: "", text: text("change.same", { posto: this.name() }) }),
      ...postos.map(({ id, nome }) => element("option", { value: id, text: nome })));
  }
}

/**
 * The postos that the car could use in place of this one, the nearest first.
 * @param {string} serverId @param {any[]} postos @param {any} posto
 */
function alternatives(serverId, postos, posto) {
  const from = fromApi(serverId, posto);
  const fitting = postos.filter(({ id, em_manutencao, tipo_conector }) =>
    id !== posto.id && !em_manutencao && isSameConnector(tipo_conector, posto.tipo_conector));
  const away = (/** @type {any} */ one) => kilometres(from, fromApi(serverId, one)) || 0;
  return fitting.sort((one, other) => away(one) - away(other)).slice(0, MAX_ALTERNATIVES);
}
