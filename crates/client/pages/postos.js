// The postos of all servidores: as the HTML has them first, then as the events say. No DOM here.

/**
 * @typedef {"free" | "taken" | "maintenance" | "unreachable"} State
 * @typedef {{ key: string, server_id: string, posto_id: number, nome: string, lat: number, lon: number,
 *   power: number, price: number, connector: string, state: State }} Posto
 *   `lat` and `lon` are NaN where they are not known.
 * @typedef {{ server_id: string, isOnline: boolean, isListed: boolean, desde?: string,
 *   postos: Map<number, Posto> }} Servidor
 */

export const keyOf = (/** @type {string} */ serverId, /** @type {number} */ postoId) => `${serverId}/${postoId}`;

/** @returns {State} */
function stateOf(/** @type {{ disponivel: boolean, em_manutencao: boolean }} */ { disponivel, em_manutencao }) {
  if (em_manutencao) return "maintenance";
  return disponivel ? "free" : "taken";
}

/** A posto as the API lists it. @returns {Posto} */
export function fromApi(/** @type {string} */ serverId, /** @type {any} */ posto) {
  const [lat, lon] = String(posto.localizacao ?? "").split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  return {
    key: keyOf(serverId, posto.id),
    server_id: serverId,
    posto_id: posto.id,
    nome: posto.nome,
    lat,
    lon: lon ?? NaN,
    power: posto.potencia_maxima,
    price: posto.preco_kwh,
    connector: posto.tipo_conector,
    state: stateOf(posto),
  };
}

/** A posto is replaced when it changes, so two that are the same object show the same. */
export class Postos {
  constructor() {
    /** @type {Map<string, Servidor>} */
    this.servidores = new Map();
  }

  /** @param {string} serverId */
  servidor(serverId) {
    let servidor = this.servidores.get(serverId);
    if (!servidor) {
      servidor = { server_id: serverId, isOnline: true, isListed: false, postos: new Map() };
      this.servidores.set(serverId, servidor);
    }
    return servidor;
  }

  /** Takes a posto of the HTML. */
  add(/** @type {Posto} */ posto) {
    const servidor = this.servidor(posto.server_id);
    servidor.isListed = true;
    if (posto.state === "unreachable") servidor.isOnline = false;
    servidor.postos.set(posto.posto_id, posto);
  }

  /** Events come again: what happened meanwhile is in the `estado` of each servidor. */
  expectEstados() {
    for (const servidor of this.servidores.values()) servidor.isListed = false;
  }

  /** @param {string} serverId @param {number} postoId */
  find(serverId, postoId) {
    return this.servidores.get(serverId)?.postos.get(postoId);
  }

  /** @returns {Posto[]} */
  all() {
    return [...this.servidores.values()].flatMap((servidor) => [...servidor.postos.values()]);
  }

  /** Whether every servidor is there and has said which postos it has. */
  isComplete() {
    return [...this.servidores.values()].every(({ isOnline, isListed }) => isOnline && isListed);
  }

  /** Takes an event of `GET /eventos`; one that is of another kind changes nothing. */
  apply(/** @type {string} */ event, /** @type {any} */ data) {
    if (event === "estado") this.takeEstado(data);
    if (event === "posto") this.takePosto(data);
    if (event === "servidor") this.takeServidor(data);
  }

  takeEstado(/** @type {any} */ { server_id, status, postos }) {
    const servidor = this.servidor(server_id);
    if (status !== "online") {
      this.setOffline(servidor);
      return;
    }
    const before = servidor.postos;
    const listed = postos.map((/** @type {any} */ posto) => fromApi(server_id, posto));
    servidor.postos = new Map(listed.map((/** @type {Posto} */ posto) => {
      const known = before.get(posto.posto_id);
      return [posto.posto_id, known && isSame(known, posto) ? known : posto];
    }));
    servidor.isOnline = true;
    servidor.isListed = true;
  }

  takePosto(/** @type {any} */ { server_id, posto_id, ...flags }) {
    const servidor = this.servidores.get(server_id);
    const posto = servidor?.postos.get(posto_id);
    if (!servidor || !posto || !servidor.isOnline) return;
    const state = stateOf(flags);
    if (posto.state !== state) servidor.postos.set(posto_id, { ...posto, state });
  }

  takeServidor(/** @type {any} */ { server_id, status, desde }) {
    const servidor = this.servidor(server_id);
    servidor.desde = desde;
    if (status !== "online") {
      this.setOffline(servidor);
    } else if (!servidor.isOnline) {
      // How its postos are is in the `estado` that follows.
      servidor.isOnline = true;
      servidor.isListed = false;
    }
  }

  /**
   * Takes the answer of `GET /servidores`. It may be older than the events that have come meanwhile, so
   * it only says which servidores there are, and since when those have been away that are.
   * @param {any[]} list @param {Set<string>} known Those that were known when it was asked for: of
   *   these, the others were removed.
   */
  takeServidores(list, known) {
    for (const one of list) {
      const servidor = this.servidores.get(one.server_id);
      if (!servidor) this.takeServidor(one);
      else if (servidor.isOnline === (one.status === "online")) servidor.desde = one.desde;
    }
    const ids = new Set(list.map((servidor) => servidor.server_id));
    for (const id of known) {
      if (!ids.has(id)) this.servidores.delete(id);
    }
  }

  setOffline(/** @type {Servidor} */ servidor) {
    servidor.isOnline = false;
    for (const [id, posto] of servidor.postos) {
      if (posto.state !== "unreachable") servidor.postos.set(id, { ...posto, state: "unreachable" });
    }
  }
}

/** @param {Posto} one @param {Posto} other */
function isSame(one, other) {
  return Object.entries(other).every(([name, value]) => Object.is(one[/** @type {keyof Posto} */ (name)], value));
}
