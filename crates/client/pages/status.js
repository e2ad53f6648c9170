// What a reserva is to its driver now: which text says it, and what its countdown counts. No DOM here.

/**
 * @typedef {{ posto_id: number, placa: string, inicio: string, fim: string, status: string, desde?: string,
 *   motivo?: string, livre_desde?: string, tolerancia_min?: number, preco_kwh?: number, versao?: number,
 *   aviso?: string }} Reserva
 * @typedef {"future" | "current" | "late" | "over"} Phase `late`: its time has passed, and its servidor
 *   has not said yet what became of it.
 */

const STATUSES = ["ativa", "cumprida", "encerrada", "nao_compareceu", "cancelada"];
const REASONS = ["pedido", "operador", "manutencao", "posto_removido"];
const WARNINGS = ["posto_ocupado", "posto_livre"];

/** @returns {Phase} */
export function phaseOf(/** @type {Reserva} */ reserva, /** @type {number} */ now) {
  const { status, inicio, fim, livre_desde } = reserva;
  if (status === "encerrada" || status === "cancelada" || status === "nao_compareceu") return "over";
  const isPast = new Date(fim).getTime() <= now;
  if (status === "cumprida") return livre_desde || isPast ? "over" : "current";
  if (isPast) return "late";
  return new Date(inicio).getTime() > now ? "future" : "current";
}

/** The key of the text that names the status. More statuses may come. */
export function statusKey(/** @type {Reserva} */ reserva, /** @type {number} */ now) {
  if (!STATUSES.includes(reserva.status)) return "status.other";
  const { status } = reserva;
  if (status === "ativa" || status === "cumprida") return `status.${status}.${phaseOf(reserva, now)}`;
  return `status.${reserva.status}`;
}

/** The key of the sentence that says what the status means for the driver. */
export function sentenceKey(/** @type {Reserva} */ reserva, /** @type {number} */ now) {
  const { status, motivo = "" } = reserva;
  if (!STATUSES.includes(status)) return "sentence.other";
  if (status === "cancelada") return REASONS.includes(motivo) ? `sentence.cancelada.${motivo}` : "sentence.cancelada";
  if (status === "ativa" || status === "cumprida") return `sentence.${status}.${phaseOf(reserva, now)}`;
  return `sentence.${status}`;
}

/** The key of the text about something that the driver should know of the posto; `null` if there is nothing. */
export function warningKey(/** @type {Reserva} */ reserva, /** @type {number} */ now) {
  const isOpen = phaseOf(reserva, now) !== "over";
  return isOpen && WARNINGS.includes(reserva.aviso ?? "") ? `warning.${reserva.aviso}` : null;
}

/**
 * By when the car should have come, in milliseconds; `null` if its posto waits until `fim`. The tolerance begins
 * again after another car was there or the posto was out of service, so the posto may wait longer than
 * this, and never less; after it nothing is said.
 */
export function arrivalLimit(/** @type {Reserva} */ reserva, /** @type {number} */ now) {
  if (reserva.status !== "ativa" || reserva.aviso === "posto_ocupado" || !reserva.tolerancia_min) return null;
  const limit = new Date(reserva.inicio).getTime() + reserva.tolerancia_min * 60_000;
  return now <= limit && limit < new Date(reserva.fim).getTime() ? limit : null;
}

/**
 * What the countdown says: the key of its text and how long it is still; `null` if there is nothing to
 * wait for.
 * @returns {{ key: string, millis: number } | null}
 */
export function countdownOf(/** @type {Reserva} */ reserva, /** @type {number} */ now) {
  const phase = phaseOf(reserva, now);
  if (phase === "future") return { key: "countdown.begin", millis: new Date(reserva.inicio).getTime() - now };
  if (phase === "current") return { key: "countdown.end", millis: new Date(reserva.fim).getTime() - now };
  return null;
}

/** Whether the driver can still change or cancel it. A `cumprida` can only have another `fim`. */
export function allowed(/** @type {Reserva} */ reserva, /** @type {number} */ now) {
  const phase = phaseOf(reserva, now);
  const isOpen = phase === "future" || phase === "current";
  const hasCharged = reserva.status === "cumprida";
  return {
    cancel: isOpen && !hasCharged,
    change: isOpen,
    // What has begun keeps its `inicio`.
    changeInicio: phase === "future",
    changePosto: isOpen && !hasCharged,
  };
}
