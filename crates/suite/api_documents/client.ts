// A client made by openapi-typescript and openapi-fetch: lists, reserves, gets a refusal, asks, and
// cancels. Arguments: the base URL of a gateway that asks for tokens, and the token of an app.
import createClient from "openapi-fetch";
import type { components, paths } from "./gateway.js";

type ErrorReply = components["schemas"]["ErrorReply"];

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not so: ${what}`);
}

const [baseUrl = "", token = ""] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const gateway = createClient<paths>({ baseUrl, headers });
const server_id = "server2";

const listing = await gateway.GET("/postos", { params: { query: { server_id, disponivel: true } } });
const posto = listing.data?.postos[0];
expect(posto !== undefined && posto.disponivel, "a posto is free");

const body = {
  placa: "TSC1234", modelo: "BYD Dolphin", capacidade_bateria: 44.5, nivel_bateria_atual: 22.3,
  taxa_descarga: 0.19, posto_id: posto.id, server_id,
};
const reserved = await gateway.POST("/reservar", { body });
expect(reserved.data?.reserva.status === "ativa", "it is reserved");

const other = await gateway.POST("/reservar", { body: { ...body, placa: "TSC4321" } });
const refusal: ErrorReply | undefined = other.error;
expect(other.response.status === 409 && refusal?.codigo === "posto_reservado", "it is refused");

const wrong = await gateway.GET("/postos", { params: { query: { server_id: "não" } } });
expect(wrong.error?.campos?.[0]?.campo === "server_id", "the wrong field is named");

const path = { request_id: reserved.data.request_id };
const asked = await gateway.GET("/reservas/{request_id}", { params: { path, query: { server_id } } });
expect(asked.data?.reserva.id === reserved.data.reserva.id, "it is found");
const cancelled = await gateway.POST("/reservas/{request_id}/cancelar", {
  params: { path, query: { server_id } },
});
expect(cancelled.data?.reserva.status === "cancelada", "it is cancelled");
console.log("listed, reserved, refused, asked, cancelled");
