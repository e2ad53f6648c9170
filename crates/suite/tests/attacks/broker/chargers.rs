//! Postos that somebody else than their charger takes out of service.

use serde_json::json;

use crate::attack::{Guard, Tries};
use crate::harness::{FAILPOINTS_SERVER, Program, World};
use crate::scene::{self, Removal};

/// Of the attacker's own charger.
const OWN_POSTO: i64 = 7;

pub(crate) async fn posto_taken_by_another_charger(guard: Guard) -> Tries {
    let line = "carregador write server/<servidor>/pontos/<posto>/disponibilidade";
    let removal = Removal::Line("users.sh", line, "carregador write #");
    taken_by(guard, removal, &["carregador", "server1", "7"]).await
}

pub(crate) async fn posto_taken_by_an_app(guard: Guard) -> Tries {
    let line = "gateway,app write server/postos/request";
    let removal = Removal::Line("users.sh", line, "gateway,app write #");
    taken_by(guard, removal, &["app", "app1"]).await
}

/// On both topics of a charger, now and retained, through every listener; another posto each time.
async fn taken_by(guard: Guard, removal: Removal, user: &[&str]) -> Tries {
    let world = scene::broker(guard, removal).await;
    let server = world.server("server1").await;
    let doors = world.broker.doors();
    let user = doors.new_user(user);
    let mut tries = Tries::default();
    let mut victims = (1..).filter(|posto_id| *posto_id != OWN_POSTO);
    for door in doors.every_outside() {
        for prefix in ["", "server/server1/"] {
            for retain in [false, true] {
                let posto_id = victims.next().expect("a posto");
                let topic = format!("{prefix}pontos/{posto_id}/disponibilidade");
                let mut attacker = scene::enter(door, &user).await;
                attacker.publish(&[(&topic, &out_of_service(posto_id))], retain).await;
                let taken = guard.sees(async || !is_in_service(&server, posto_id).await).await;
                tries.record(format_args!("{topic}, retained: {retain}, by {door:?}"), taken);
            }
        }
    }
    tries
}

/// A charger on its own topic, with a payload that names another posto.
pub(crate) async fn posto_named_in_a_payload(guard: Guard) -> Tries {
    let world = scene::broker_as_it_is().await;
    let server = servidor(&world, guard, "BelievedPayload").await;
    let doors = world.broker.doors();
    let charger = doors.new_user(&["carregador", "server1", &OWN_POSTO.to_string()]);
    let topic = format!("server/server1/pontos/{OWN_POSTO}/disponibilidade");
    let mut tries = Tries::default();
    for (posto_id, door) in (1..).zip(doors.every_outside()) {
        let mut attacker = scene::enter(door, &charger).await;
        attacker.publish(&[(&topic, &out_of_service(posto_id))], false).await;
        let taken = guard.sees(async || !is_in_service(&server, posto_id).await).await;
        tries.record(format_args!("{posto_id} by {door:?}"), taken);
        assert!(is_in_service(&server, OWN_POSTO).await, "a bad message counted for its own posto");
    }
    tries
}

/// `server1`, with this bug where the guard is removed.
pub(crate) async fn servidor(world: &World, guard: Guard, bug: &str) -> Program {
    world.seed_postos("server1", 20);
    let set = [("SERVER_ID", "server1"), ("SEEDED_BUG", bug)];
    let server = match guard {
        Guard::InPlace => world.server("server1").await,
        Guard::Removed => Program::start(FAILPOINTS_SERVER, world, &set).await,
    };
    server.ready().await;
    server
}

fn out_of_service(posto_id: i64) -> String {
    json!({"server_id": "server1", "ponto_id": posto_id, "disponivel": false}).to_string()
}

async fn is_in_service(server: &Program, posto_id: i64) -> bool {
    let posto = server.get(&format!("/postos/{posto_id}")).await;
    posto.json["disponivel"].as_bool().expect("a posto")
}
