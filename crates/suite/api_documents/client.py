"""A client made by openapi-python-client: lists, reserves, gets a refusal, asks, and cancels.
Arguments: the base URL of a gateway that asks for tokens, and the token of an app."""

import sys

from gateway import AuthenticatedClient
from gateway.api.postos import list_postos
from gateway.api.reservas import cancel_reserva, get_reserva, reserve
from gateway.models import ErrorReply, PostosReply, ReservarBody, ReservaReply

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
server_id = "server2"

listing = list_postos.sync(client=client, server_id=server_id, disponivel=True)
assert isinstance(listing, PostosReply), listing
posto = listing.postos[0]
assert posto.disponivel, posto


def reservation(placa: str) -> ReservarBody:
    return ReservarBody(
        placa=placa,
        modelo="BYD Dolphin",
        capacidade_bateria=44.5,
        nivel_bateria_atual=22.3,
        taxa_descarga=0.19,
        posto_id=posto.id,
        server_id=server_id,
    )


reserved = reserve.sync(client=client, body=reservation("PYT1234"))
assert isinstance(reserved, ReservaReply), reserved
assert reserved.reserva.status == "ativa", reserved

refused = reserve.sync_detailed(client=client, body=reservation("PYT4321"))
assert refused.status_code == 409, refused
assert isinstance(refused.parsed, ErrorReply), refused
assert refused.parsed.codigo == "posto_reservado", refused.parsed

asked = get_reserva.sync(reserved.request_id, client=client, server_id=server_id)
assert isinstance(asked, ReservaReply) and asked.reserva.id == reserved.reserva.id, asked
cancelled = cancel_reserva.sync(reserved.request_id, client=client, server_id=server_id)
assert isinstance(cancelled, ReservaReply) and cancelled.reserva.status == "cancelada", cancelled

# A servidor that is newer than this client may answer with words that the client does not know.
newer = {"status": "erro", "codigo": "na_lua", "mensagem": "Ainda não."}
assert ErrorReply.from_dict(newer).codigo == "na_lua"
print("listed, reserved, refused, asked, cancelled, and read a newer code")
