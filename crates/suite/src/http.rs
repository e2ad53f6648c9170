//! Requests to a gateway, as a driver's app sends them.

use std::net::SocketAddr;

use protocol::PostosReply;

/// Ids of the postos of one servidor that are `disponivel` now.
pub(crate) async fn free_postos(client: SocketAddr, server_id: &str) -> reqwest::Result<Vec<i64>> {
    let url = format!("http://{client}/postos?server_id={server_id}&disponivel=true");
    // The address is local, so a proxy set in the environment must not be used.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let answer = http.get(url).send().await?.error_for_status()?;
    let reply: PostosReply = answer.json().await?;
    Ok(reply.postos.into_iter().map(|posto| posto.id).collect())
}
