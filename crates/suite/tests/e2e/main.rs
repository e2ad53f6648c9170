//! The whole system from outside: the real programs, a real broker, HTTP and plain MQTT.
//!
//! With `SUITE_BROKER=mosquitto` the broker is Mosquitto; without, the embedded one.

mod faults;
#[path = "../harness/mod.rs"]
mod harness;
mod joining;
mod load;
mod plain_mqtt;
mod rooms;
mod screen;
mod seed_story;
mod settings;
