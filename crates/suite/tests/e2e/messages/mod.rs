//! MQTT messages of programs of others, of other versions, and that are wrong.

mod arrays;
mod bad_messages;
mod newer_servidor;
mod plain_mqtt;
