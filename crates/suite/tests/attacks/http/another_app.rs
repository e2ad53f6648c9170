//! What another app, or anybody else, does with a reserva that it has not made.

use protocol::{KeyedCall, RequestId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{AppToken, gateway, new_app_token, servidor, tokens_file};
use crate::attack::{Guard, Tries};
use crate::harness::{Answer, Program, World, payload, seed_payload};

/// Long enough, and yet the next of a series.
const KEY: &str = "reserva-2026-000041";
const SHORT_KEYS: u32 = 100;

/// A system with a gateway that asks for tokens, or without its guard asks for none.
struct Apps {
    world: World,
    _servidor: Program,
    gateway: Program,
    victim: AppToken,
    attacker: AppToken,
}

impl Apps {
    async fn new(guard: Guard) -> Self {
        let world = World::new().await;
        let victim = new_app_token(&world, "app1").await;
        let attacker = new_app_token(&world, "app2").await;
        let file = tokens_file(&world, &[&victim.line, &attacker.line]);
        let set: &[_] = if guard.is_removed() { &[] } else { &[file] };
        let servidor = servidor(&world, guard, "", &[]).await;
        let gateway = gateway(&world, guard, "ShortKeys", set).await;
        gateway.sees("server1", "online").await;
        Self { world, _servidor: servidor, gateway, victim, attacker }
    }

    fn call(&self, by: &AppToken, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.gateway.request(method, path).bearer_auth(&by.text)
    }

    async fn get(&self, request_id: &str) -> Answer {
        let path = format!("/reservas/{request_id}?server_id=server1");
        Answer::of(self.call(&self.attacker, Method::GET, &path)).await
    }

    async fn cancel(&self, request_id: &str) -> Answer {
        let path = format!("/reservas/{request_id}/cancelar?server_id=server1");
        Answer::of(self.call(&self.attacker, Method::POST, &path)).await
    }

    async fn change(&self, request_id: &str) -> Answer {
        let path = format!("/reservas/{request_id}?server_id=server1");
        let request = self.call(&self.attacker, Method::PATCH, &path);
        Answer::of(request.json(&json!({"posto_id": 9}))).await
    }

    async fn reserve(&self, by: &AppToken, key: &str, body: &Value) -> Answer {
        let request = self.call(by, Method::POST, "/reservar").header("Idempotency-Key", key);
        Answer::of(request.json(body)).await
    }
}

/// The ids that anybody can compute of a key.
fn ids_of(key: &str) -> Vec<String> {
    let server_id = "server1".parse().expect("an id");
    let apps = [None, Some("app1"), Some("app2")];
    let id = |app| RequestId::from_idempotency_key(app, KeyedCall::Reservar, &server_id, key);
    apps.map(|app| id(app).as_str().to_owned()).to_vec()
}

/// Tries all keys of a series, and what they lead to.
pub(crate) async fn guessed_idempotency_key(guard: Guard) -> Tries {
    let (apps, mut tries) = (Apps::new(guard).await, Tries::default());
    let (body, attacker) = (seed_payload(), &apps.attacker);
    let made = apps.reserve(&apps.victim, KEY, &body).await;
    assert_eq!(made.status, 200, "{made:?}");
    let repeated = apps.reserve(attacker, KEY, &body).await;
    tries.record("sends the request again with its key", repeated.status == 200);
    let (mut read, mut changed, mut cancelled) = (false, false, false);
    for id in ids_of(KEY) {
        read |= apps.get(&id).await.status == 200;
        changed |= apps.change(&id).await.status == 200;
        cancelled |= apps.cancel(&id).await.status == 200;
    }
    tries.record("computes the request_id of a key, and asks for the reserva", read);
    tries.record("computes the request_id of a key, and changes it", changed);
    tries.record("computes the request_id of a key, and cancels", cancelled);
    let short = apps.reserve(&apps.victim, "41", &payload("AAA0001", 7)).await;
    let mut found = false;
    for key in 0..SHORT_KEYS {
        for id in ids_of(&key.to_string()) {
            found |= apps.get(&id).await.status == 200;
        }
    }
    tries.record(format!("tries all keys of two digits; a victim's own: {}", short.status), found);
    tries
}

/// Knows a request_id, and learns nothing more: no answer differs from one about no reserva.
pub(crate) async fn reserva_of_another_app(guard: Guard) -> Tries {
    let (apps, mut tries) = (Apps::new(guard).await, Tries::default());
    let made = apps.reserve(&apps.victim, KEY, &seed_payload()).await;
    let (id, none) = (made.request_id(), RequestId::new().as_str().to_owned());
    let same = |one: &Answer, other: &Answer| {
        let text = |answer: &Answer, id: &str| {
            let mut json = answer.json.clone();
            // Of the question, which is another each time.
            json.as_object_mut().expect("an object").remove("request_id");
            (answer.status, json.to_string().replace(id, "ID"))
        };
        text(one, &id) == text(other, &none)
    };
    let (found, missing) = (apps.get(&id).await, apps.get(&none).await);
    assert_eq!(missing.verdict(), (404, "reserva_inexistente"), "{missing:?}");
    tries.record("asks for it", found.status == 200 || !same(&found, &missing));
    let (found, missing) = (apps.change(&id).await, apps.change(&none).await);
    assert_eq!(missing.verdict(), (404, "reserva_inexistente"), "{missing:?}");
    tries.record("changes it", found.status == 200 || !same(&found, &missing));
    let path = format!("/reservas/{id}?server_id=server1");
    let owned = Answer::of(apps.call(&apps.victim, Method::GET, &path)).await;
    tries.record("and it is changed", owned.json["reserva"]["posto_id"] == 9);
    let (found, missing) = (apps.cancel(&id).await, apps.cancel(&none).await);
    assert_eq!(missing.verdict(), (404, "reserva_inexistente"), "{missing:?}");
    tries.record("cancels it", found.status == 200 || !same(&found, &missing));
    let owned = Answer::of(apps.call(&apps.victim, Method::GET, &path)).await;
    tries.record("and it is cancelled", owned.json["reserva"]["status"] == "cancelada");
    let again = apps.reserve(&apps.attacker, KEY, &seed_payload()).await;
    let is_first = again.json["reserva"]["id"] == made.json["reserva"]["id"];
    tries.record("sends the request again with its key", is_first);
    drop(apps.world);
    tries
}
