//! What somebody who means harm would try. Each attack is tried twice: as shipped, where all its ways
//! must be stopped, and with its guard removed, where all must get through; so none is stopped by
//! something else than what is said to stop it. `docs/security.md` names them all.
//!
//! `cargo test -p suite --test attacks -- --include-ignored`

mod attack;
mod broker;
#[path = "../harness/mod.rs"]
mod harness;
mod http;
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
    guessed_idempotency_key = http::another_app::guessed_idempotency_key,
        "guesses a key, or computes its request_id", "tokens of apps, and no key is short";
    reserva_of_another_app = http::another_app::reserva_of_another_app,
        "asks for a reserva, and cancels it, knowing its request_id", "tokens of apps";
    revoked_token = http::revoked::revoked_token,
        "uses a token that was revoked, on an open connection too", "each request looks the token up";
    guessed_tokens = http::guesses::guessed_tokens,
        "tries one token after the other", "an address that sends wrong ones must wait";
    admin_without_token = http::no_token::admin_without_token,
        "calls each operation without a token, by every spelling, method and header", "the guard";
    web_page_drives_an_open_admin_api = http::browser::web_page_drives_an_open_admin_api,
        "a page of another origin changes and reads", "an open servidor looks at Origin and Host";
    web_page_drives_the_embedded_broker = http::broker_pages::web_page_drives_the_embedded_broker,
        "a page of another origin, or of none, reads and publishes over WebSocket", "the listener looks at Origin";
    rebound_dns_name = http::browser::rebound_dns_name,
        "a page whose name is led to the servidor changes and reads", "an open servidor looks at Host";
    cors_with_credentials = http::browser::cors_with_credentials,
        "a page reads with the credentials of the browser", "CORS is never with credentials";
    slow_bodies = http::connections::slow_bodies,
        "sends bodies and heads that do not end", "who waits for its peer makes room";
    http_connection_flood = http::connections::http_connection_flood,
        "opens more connections than a program may have", "who waits for its peer makes room";
    injection_into_exports_and_logs = http::injection::injection_into_exports_and_logs,
        "names a posto by a formula, controls of a terminal, a script", "texts in files have a mark";
    oversized_ids_over_http = http::injection::oversized_ids_over_http,
        "gives ids that are too long", "each id has a bound";
    secret_in_a_log = http::logs::secret_in_a_log,
        "reads all logs at RUST_LOG=trace for tokens, passwords and keys", "nothing logs a head";
    placa_in_an_answer_or_log = http::logs::placa_in_an_answer_or_log,
        "looks for a placa in public answers and in logs", "nothing logs a placa";
    smuggled_through_the_proxy = http::proxy::smuggled_through_the_proxy,
        "hides a request in the body of another", "one length for each body";
    forwarded_address_escapes_the_limit = http::proxy::forwarded_address_escapes_the_limit,
        "names another address in each request", "X-Forwarded-For of trusted proxies alone";
}

#[test]
fn no_attack_is_listed_twice() {
    let names: std::collections::BTreeSet<&str> = NAMES.iter().copied().collect();
    assert_eq!(names.len(), NAMES.len());
}
