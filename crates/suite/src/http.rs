//! Asking a gateway over HTTP, as a driver's app would.

use std::net::SocketAddr;

use protocol::PostosReply;

/// Ids of the postos of a servidor that can be used now.
pub(crate) async fn free_postos(client: SocketAddr, server_id: &str) -> reqwest::Result<Vec<i64>> {
    let url = format!("http://{client}/postos?server_id={server_id}&disponivel=true");
    // Not through a proxy of this machine's user: it is this machine.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let answer = http.get(url).send().await?.error_for_status()?;
    let reply: PostosReply = answer.json().await?;
    Ok(reply.postos.into_iter().map(|posto| posto.id).collect())
}
