// What needs attention first. No DOM here.
import { byPosto, outOfServiceBy } from "./postos_now.js";

/** A session that is open for longer was hardly meant to be. */
const LONG_SESSION = 24 * 3600 * 1000;

/**
 * @typedef {import("./postos_now.js").Now} Now
 * @typedef {import("./postos_now.js").Reserva} Reserva
 * @typedef {import("./postos_now.js").Session} Session
 * @typedef {{ kind: "not_ready", key: string, mensagem: string }
 *   | { kind: "charger", key: string, posto: Now["posto"], since: string | null, maintenance: boolean, reservas: Reserva[] }
 *   | { kind: "overstay", key: string, posto: Now["posto"], reserva: Reserva, session: Session | null }
 *   | { kind: "kept", key: string, posto: Now["posto"], reservas: Reserva[] }
 *   | { kind: "long", key: string, posto: Now["posto"], session: Session }} Item
 */

/**
 * @param {{ postos: Now[], reservas: Reserva[], notReady: string | null, now: number }} facts
 * @returns {Item[]} The most urgent first.
 */
export function attention({ postos, reservas, notReady, now }) {
  /** @type {Item[]} */
  const items = notReady === null ? [] : [{ kind: "not_ready", key: "not_ready", mensagem: notReady }];
  const groups = byPosto(reservas);
  const of = (/** @type {number} */ id) => groups.get(id) ?? [];
  const overstays = postos.flatMap(({ posto, session }) =>
    of(posto.id)
      .filter((reserva) => reserva.aviso === "posto_ocupado")
      .map((reserva) => ({ kind: "overstay", key: `overstay/${reserva.id}`, posto, reserva, session })));
  const chargers = postos
    .filter(({ posto }) => outOfServiceBy(posto) === "carregador")
    .map(({ posto }) => ({
      kind: "charger",
      key: `charger/${posto.id}`,
      posto,
      since: posto.carregador?.desde ?? null,
      maintenance: posto.carregador?.em_manutencao === true,
      reservas: of(posto.id),
    }));
  const kept = postos
    .filter(({ posto }) => outOfServiceBy(posto) === "operador")
    .map(({ posto }) => ({ kind: "kept", key: `kept/${posto.id}`, posto, reservas: of(posto.id) }))
    .filter((item) => item.reservas.length > 0);
  const warned = new Set(overstays.map(({ session }) => session?.id));
  const long = postos
    .filter(({ session }) => session && now - Date.parse(session.inicio) > LONG_SESSION && !warned.has(session.id))
    .map(({ posto, session }) => ({ kind: "long", key: `long/${session?.id}`, posto, session }));
  return /** @type {Item[]} */ ([...items, ...overstays, ...chargers, ...kept, ...long]);
}

/** The one that begins first. */
export function earliest(/** @type {Reserva[]} */ reservas) {
  return reservas.reduce((first, other) => (Date.parse(other.inicio) < Date.parse(first.inicio) ? other : first));
}
