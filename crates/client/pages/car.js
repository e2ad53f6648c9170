// The car of this device: kept here alone, and only if the driver asks for it.
import { device } from "./device.js";

const KEY = "postos.carro";
const TRIAL_KEY = "postos.teste";
/** How full the battery is changes from one charge to the next, and so it is not kept. */
export const CAR_FIELDS = /** @type {const} */ (["placa", "modelo", "capacidade_bateria", "taxa_descarga"]);

/** @typedef {Record<typeof CAR_FIELDS[number], string>} Car As it was typed. */

/** Whether this device keeps anything. */
export function canRemember() {
  const isKept = device.save(TRIAL_KEY, true);
  device.forget(TRIAL_KEY);
  return isKept;
}

/** @returns {Car | null} */
export function rememberedCar() {
  const kept = device.load(KEY);
  // A version with more fields, or with fewer, may have kept it.
  const fieldOf = (/** @type {string} */ field) => (typeof kept?.[field] === "string" ? kept[field] : "");
  return fieldOf("placa") ? /** @type {Car} */ (Object.fromEntries(CAR_FIELDS.map((field) => [field, fieldOf(field)]))) : null;
}

/** Whether it is kept. */
export function rememberCar(/** @type {Car} */ car) {
  return device.save(KEY, Object.fromEntries(CAR_FIELDS.map((field) => [field, car[field]])));
}

export const forgetCar = () => device.forget(KEY);
