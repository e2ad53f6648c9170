//! The whole system from outside (the real programs, a real broker, HTTP and plain MQTT), and the
//! layers of its source.
//!
//! With `SUITE_BROKER=mosquitto` the broker is Mosquitto; with `mosquitto-logins` or `mosquitto-tls`
//! one where everyone logs in, over TLS or not; without, the embedded one.

mod admin_tokens;
mod app_tokens;
mod apps;
mod arrays;
mod bad_messages;
mod callers;
mod changes;
mod chargers;
mod charging;
mod circles;
mod connections;
mod denied;
mod doctor;
mod documents;
mod documents_examples;
mod documents_routes;
mod edge;
mod events;
mod events_stand_in;
mod events_states;
mod events_streams;
mod faults;
mod full_outbox;
#[path = "../harness/mod.rs"]
mod harness;
mod joining;
mod layers;
mod listing;
mod load;
mod logins;
mod logs;
mod machine;
mod maintenance;
mod metrics;
mod newer_servidor;
mod pages;
mod pages_list;
mod people;
mod plain_mqtt;
mod presence;
mod repeats;
mod screen;
mod security_headers;
mod seed_story;
mod settings;
mod sources;
mod stand_in;
mod statistics;
mod stdout;
mod stops;
mod tags;
mod tolerance;
mod traces;
mod traces_collector;
mod traces_sampling;
mod unchanged;
mod upgrades;
mod wrong_parts;
