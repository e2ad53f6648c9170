//! What the running programs answer, as far as the start asks them.

use std::net::SocketAddr;

use serde::Deserialize;

/// The line of a gateway's metrics, up to its value.
const SERVIDORES_ONLINE: &str = "postos_gateway_servidores{status=\"online\"}";

/// The answer of a program, if it is a success.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> reqwest::Result<reqwest::Response> {
    // The address is local, so a proxy set in the environment must not be used.
    let http = reqwest::Client::builder().no_proxy().build()?;
    http.get(format!("http://{addr}{path}")).send().await?.error_for_status()
}

/// How many servidores the gateway sees that answers `/metrics` here.
pub(crate) async fn servidores_online(metrics_addr: SocketAddr) -> usize {
    let Ok(answer) = get(metrics_addr, "/metrics").await else { return 0 };
    let metrics = answer.text().await.unwrap_or_default();
    let mut lines = metrics.lines();
    let online = lines.find_map(|line| line.strip_prefix(SERVIDORES_ONLINE));
    online.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
}

/// What `GET /postos` of a servidor answers, as far as it is read.
#[derive(Deserialize)]
struct Listed {
    postos: Vec<ListedPosto>,
}

#[derive(Deserialize)]
struct ListedPosto {
    id: i64,
}

/// Ids of the postos of one servidor that are `disponivel` now.
pub(crate) async fn free_postos(server: SocketAddr) -> reqwest::Result<Vec<i64>> {
    let listed: Listed = get(server, "/postos?disponivel=true").await?.json().await?;
    Ok(listed.postos.into_iter().map(|posto| posto.id).collect())
}
