// A page on another origin, in a real browser, lists postos, reserves one, is refused, reads the
// headers of the answers, and listens to events until the browser has no more to listen to. Needs CORS_ORIGENS (`*` by default). Argument: the base URL of a gateway.
import http from "node:http";
import { launch, report } from "./browser.mjs";

// Runs in the page.
async function useGateway(base) {
  const json = async (path, init) => {
    const answer = await fetch(base + path, init);
    return { status: answer.status, id: answer.headers.get("x-request-id"), body: await answer.json() };
  };
  const reserve = (body) => json("/reservar", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
  const listed = await json("/postos?server_id=server2&disponivel=true");
  const carro = {
    placa: "COR1234", modelo: "BYD Dolphin", capacidade_bateria: 44.5, nivel_bateria_atual: 22.3,
    taxa_descarga: 0.19, posto_id: listed.body.postos[0].id, server_id: "server2",
  };
  const reserved = await reserve(carro);
  const refused = await reserve({ ...carro, placa: "COR4321" });
  const unknown = await json("/rota");
  const all = new EventSource(`${base}/eventos`);
  const estado = await new Promise((heard) => all.addEventListener("estado", heard, { once: true }));
  all.close();
  const path = `/reservas/${reserved.body.request_id}`;
  const told = [JSON.parse(estado.data).status];
  let cancelled;
  // It comes back by itself after the end, and is answered 204.
  await new Promise((closed) => {
    const events = new EventSource(`${base}${path}/eventos?server_id=server2`);
    events.addEventListener("reserva", async (event) => {
      told.push(`${event.lastEventId} ${JSON.parse(event.data).status}`);
      cancelled ??= json(`${path}/cancelar?server_id=server2`, { method: "POST" });
    });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) closed();
    });
  });
  return { answers: { listed, reserved, refused, cancelled: await cancelled, unknown }, told };
}

const page_server = http.createServer((_, response) => {
  response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>app</title>");
});
await new Promise((listening) => page_server.listen(0, "127.0.0.1", listening));
// Another host name than the gateway's, so another origin by name as well as by port.
const origin = `http://localhost:${page_server.address().port}`;
const browser = await launch();
for (const base of process.argv.slice(2)) {
  await report(`a page of ${origin} uses ${base}`, async () => {
    const page = await browser.newPage();
    await page.goto(origin);
    const { answers, told } = await page.evaluate(useGateway, base);
    const statuses = Object.entries(answers).map(([name, answer]) => `${name} ${answer.status}`);
    const expected = "listed 200, reserved 200, refused 409, cancelled 200, unknown 404";
    if (statuses.join(", ") !== expected) throw new Error(statuses.join(", "));
    const hidden = Object.entries(answers).filter(([, answer]) => !answer.id);
    if (hidden.length) throw new Error(`x-request-id is not exposed: ${hidden.map(([name]) => name)}`);
    const events = "online, 1 ativa, 2 cancelada";
    if (told.join(", ") !== events) throw new Error(`the events are ${told.join(", ")}`);
    return `${expected}; ${events}`;
  });
}
await browser.close();
page_server.close();
