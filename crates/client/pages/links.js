// The addresses of the pages, relative to any of them.
import { query } from "./api.js";

export const postoLink = (/** @type {{ server_id: string, posto_id: number }} */ { server_id, posto_id }) =>
  `posto${query({ server_id, posto_id })}`;

export const reservaLink = (/** @type {{ server_id: string, request_id: string }} */ { server_id, request_id }) =>
  `reserva${query({ server_id, request_id })}`;
