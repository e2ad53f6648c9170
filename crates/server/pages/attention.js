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
 * @typedef {{ kind: "group", key: string, of: Item["kind"], items: Item[], reservas: Reserva[] }} Group
 */

/** So many of one kind are shown as one, */
const GROUP_FROM = 5;
/** and until there are fewer than so many, so that one more or less does not close what is open. */
const GROUP_UNTIL = 3;

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
      .map((reserva) => ({ kind: "overstay", key: `overstay/${reserva.id}`, posto, reserva, session })))
    .sort((one, other) => Date.parse(one.reserva.inicio) - Date.parse(other.reserva.inicio));
  const chargers = postos
    .filter(({ posto }) => outOfServiceBy(posto) === "carregador")
    .map(({ posto }) => ({
      kind: "charger",
      key: `charger/${posto.id}`,
      posto,
      since: posto.carregador?.desde ?? null,
      maintenance: posto.carregador?.em_manutencao === true,
      reservas: of(posto.id),
    }))
    .sort(soonest);
  const kept = postos
    .filter(({ posto }) => outOfServiceBy(posto) === "operador")
    .map(({ posto }) => ({ kind: "kept", key: `kept/${posto.id}`, posto, reservas: of(posto.id) }))
    .filter((item) => item.reservas.length > 0)
    .sort(soonest);
  const warned = new Set(overstays.map(({ session }) => session?.id));
  const long = postos
    .filter(({ session }) => session && now - Date.parse(session.inicio) > LONG_SESSION && !warned.has(session.id))
    .map(({ posto, session }) => ({ kind: "long", key: `long/${session?.id}`, posto, session }));
  return /** @type {Item[]} */ ([...items, ...overstays, ...chargers, ...kept, ...long]);
}

/** When the first reserva begins that an item is about; one without any comes last. */
function begin(/** @type {{ reservas: Reserva[] }} */ { reservas }) {
  return reservas.length === 0 ? Infinity : Date.parse(earliest(reservas).inicio);
}

/** @param {{ reservas: Reserva[] }} one @param {{ reservas: Reserva[] }} other */
function soonest(one, other) {
  const [first, second] = [begin(one), begin(other)];
  return first === second ? 0 : first - second;
}

/**
 * The same, where there are many of one kind as one.
 * @param {Item[]} items Those of a kind beside each other.
 * @param {Set<string>} grouped The kinds that are shown as one now.
 * @returns {(Item | Group)[]}
 */
export function inGroups(items, grouped) {
  /** @type {Map<Item["kind"], Item[]>} */
  const kinds = new Map();
  for (const item of items) kinds.set(item.kind, [...kinds.get(item.kind) ?? [], item]);
  return [...kinds].flatMap(([kind, own]) => {
    if (own.length < (grouped.has(kind) ? GROUP_UNTIL : GROUP_FROM)) return own;
    return [{ kind: "group", key: `group/${kind}`, of: kind, items: own, reservas: own.flatMap(reservasOf) }];
  });
}

/** The reservas that an item is about. */
function reservasOf(/** @type {any} */ { reservas, reserva }) {
  return reservas ?? (reserva ? [reserva] : []);
}

/** The one that begins first. */
export function earliest(/** @type {Reserva[]} */ reservas) {
  return reservas.reduce((first, other) => (Date.parse(other.inicio) < Date.parse(first.inicio) ? other : first));
}
