//! What is left, as `docs/security.md` says. If one of these fails, the page is to be corrected.

use crate::harness::raw_mqtt::{Transport, Version};
use crate::scene;

/// Rights are for the id in a user's name, and `usuario` does not know the programs inside.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_user_with_the_id_of_a_program_inside_has_its_topics() {
    let world = scene::broker_as_it_is().await;
    let (_server, gateway) = world.pair().await;
    let doors = world.broker.doors();
    let twin = doors.new_user(&["app", "cliente1"]);
    let mut reader = scene::enter(doors.outside(Transport::Tcp, Version::V5), &twin).await;
    reader.subscribe(&["client/cliente1/#"]).await;
    assert_eq!(gateway.get("/postos?server_id=server1").await.status, 200);
    let received = reader.drain().await.expect("a connection");
    assert!(received.iter().any(|message| message.topic.ends_with("/response")), "{received:?}");
}

/// A right with a wildcard is one for many topics, and the broker keeps a message of each. Servidores
/// do not act on them.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_user_may_have_the_broker_retain_a_message_of_each_of_its_topics() {
    const MESSAGES: usize = 1_000;
    let world = scene::broker_as_it_is().await;
    let doors = world.broker.doors();
    let user = doors.new_user(&["app", "app1"]);
    let topics: Vec<String> =
        (0..MESSAGES).map(|number| format!("server/s{number}/postos/reserva/x")).collect();
    let messages: Vec<(&str, &str)> = topics.iter().map(|topic| (topic.as_str(), "x")).collect();
    let mut connection = scene::enter(doors.outside(Transport::Tcp, Version::V5), &user).await;
    connection.publish(&messages, true).await;
    let mut observer = doors.insider("observer").await;
    observer.subscribe(&["server/+/postos/reserva/x"]).await;
    let retained = observer.drain().await.expect("a connection");
    assert_eq!(retained.iter().filter(|message| message.retained).count(), MESSAGES);
}
