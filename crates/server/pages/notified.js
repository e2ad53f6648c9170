// Whom the servidor tells of what became of their reservas. No DOM here.

/**
 * Who was notified of what became of reservas: each client with how many, and how many reservas have none.
 * @param {{ client_id: string | null, resultado: string }[]} reservas
 */
export function notifiedClients(reservas) {
  const changed = reservas.filter(({ resultado }) => resultado !== "mantida");
  /** @type {Map<string, number>} */
  const clients = new Map();
  for (const { client_id } of changed) {
    if (client_id !== null) clients.set(client_id, (clients.get(client_id) ?? 0) + 1);
  }
  const unknown = changed.filter(({ client_id }) => client_id === null).length;
  return { clients: [...clients].sort(([a], [b]) => a.localeCompare(b)), unknown };
}
