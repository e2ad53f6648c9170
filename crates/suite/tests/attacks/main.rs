//! What somebody who means harm would try. Each attack is tried twice: as shipped, where all its ways
//! must be stopped, and with its guard removed, where all must get through; so none is stopped by
//! something else than what is said to stop it. `docs/security.md` names them all.
//!
//! `cargo test -p suite --test attacks -- --include-ignored`

mod attack;
mod broker;
#[path = "../harness/mod.rs"]
mod harness;
mod page;
mod scene;

/// A test for each attack: its name, the function, what it tries, and what stops it.
macro_rules! attacks {
    ($($name:ident = $attack:path, $tries:literal, $guard:literal;)*) => {
        /// The names of all attacks.
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs mosquitto"]
            async fn $name() {
                attack::tried_twice(stringify!($name), $tries, $guard, $attack).await;
            }
        )*
    };
}

attacks! {
    forged_presence = broker::presence::forged_presence,
        "says that a servidor of somebody else is offline, or that one exists: now, retained, as a will",
        "the ACL: only a servidor publishes its own presence";
    forged_answer_by_gateway = broker::answers::forged_answer_by_gateway,
        "answers a caller of another gateway, knowing the request_id", "the ACL";
    forged_answer_by_app = broker::answers::forged_answer_by_app,
        "answers a caller of another client, knowing the request_id", "the ACL";
    forged_answer_by_carro = broker::answers::forged_answer_by_carro,
        "answers somebody's caller, knowing the request_id", "the ACL";
    forged_answer_by_carregador = broker::answers::forged_answer_by_carregador,
        "answers somebody's caller, knowing the request_id", "the ACL";
    answers_of_others = broker::answers::answers_of_others,
        "subscribes to the answers of others, by wildcards and shared subscriptions too", "the ACL";
    answer_of_another_servidor = broker::answers::answer_of_another_servidor,
        "hears a command of another servidor and answers it", "MQTT_ENTREGA=direta";
    posto_taken_by_another_charger = broker::chargers::posto_taken_by_another_charger,
        "takes another posto out of service, on its topics", "the ACL";
    posto_taken_by_an_app = broker::chargers::posto_taken_by_an_app,
        "takes a posto out of service", "the ACL";
    posto_named_in_a_payload = broker::chargers::posto_named_in_a_payload,
        "takes another posto out of service, on the topic of its own", "the topic says which posto it is";
    cancelled_by_a_listener = broker::commands::cancelled_by_a_listener,
        "hears all it may receive, and cancels with every text in it", "the ACL, and no request_id in public topics";
    replayed_command = broker::commands::replayed_command,
        "sends somebody's command again after its reserva was cancelled", "a request_id has one effect";
    connect_without_login = broker::logins::connect_without_login,
        "connects without a login, or with one that is wrong", "the outside door asks for a name";
    takeover_of_an_id = broker::logins::takeover_of_an_id,
        "connects with the client id of a program inside, or of another user", "client ids are user names";
    oversized_client_id = broker::logins::oversized_client_id,
        "connects with a client id of 60,000 bytes", "client ids are user names";
    removed_user = broker::logins::removed_user,
        "goes on after it was removed, on an open connection and on a new one", "usuario tells the broker";
    changed_rights = broker::logins::changed_rights,
        "uses a right that was taken away, on an open connection", "usuario tells the broker";
    oversized_ids_in_commands = broker::commands::oversized_ids_in_commands,
        "sends commands whose ids are too long, or are several levels of a topic", "ids are checked where they are read";
    oversized_packet = broker::floods::oversized_packet,
        "publishes a packet of 5 MiB where it may publish", "max_packet_size";
    mqtt_connection_flood = broker::floods::mqtt_connection_flood,
        "opens more connections than the broker has descriptors, silent or with half a CONNECT", "max_connections of the outside door";
    placa_in_a_public_topic = broker::placas::placa_in_a_public_topic,
        "looks for a placa and request_ids in every topic that is not private", "public events name neither";
    placas_heard_from_outside = broker::placas::placas_heard_from_outside,
        "looks for a placa and request_ids in all that an outsider receives", "the ACL";
}

#[test]
fn no_attack_is_listed_twice() {
    let names: std::collections::BTreeSet<&str> = NAMES.iter().copied().collect();
    assert_eq!(names.len(), NAMES.len());
}
