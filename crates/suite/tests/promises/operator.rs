//! The operator of a servidor, who takes postos out of service and back, and sets prices.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use super::admin::{Caller, request};
use super::history::{Disposition, Operation};

/// Takes a posto out of service and brings it back.
pub(crate) async fn operate(caller: &mut Caller, index: usize) {
    caller.pause(4_000).await;
    let posto_id = caller.random_posto();
    if caller.random().bool() {
        set_price(caller, index, posto_id).await;
    }
    let dispositions =
        [Disposition::Keep, Disposition::Move, Disposition::Move, Disposition::Cancel];
    let disposition = *caller.random().choice(&dispositions).expect("one");
    let takes_out = Operation::Serve { posto_id, in_service: false, disposition };
    if caller.random().bool() {
        look_first(caller, index, &takes_out).await;
    }
    caller.settle(index, takes_out).await;
    caller.pause(3_000).await;
    let brings_back =
        Operation::Serve { posto_id, in_service: true, disposition: Disposition::Keep };
    caller.settle(index, brings_back).await;
}

/// What was agreed does not change with it.
async fn set_price(caller: &mut Caller, index: usize, posto_id: i64) {
    let price = f64::from(caller.random().u32(100..9_000)) / 1_000.0;
    let body = json!({"preco_kwh": price});
    send(caller, index, Method::PATCH, &format!("/postos/{posto_id}"), body).await;
}

/// Changes nothing, or the checker finds what nobody asked for.
async fn look_first(caller: &mut Caller, index: usize, operation: &Operation) {
    let (method, path, mut body) = request(operation, true);
    body["simular"] = json!(true);
    send(caller, index, method, &path, body).await;
}

/// Sends what belongs to no history, whether or not it is done.
async fn send(
    caller: &mut Caller,
    index: usize,
    method: Method,
    path: &str,
    body: serde_json::Value,
) {
    let cluster = Arc::clone(&caller.cluster);
    let node = &cluster.servers[index];
    let _shared = node.admin.read().await;
    let _ = caller.send(node, method, path, &body).await;
}
