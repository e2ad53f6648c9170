//! Events over HTTP, with a plain MQTT client as the servidor, which says and counts what a real one
//! would not.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{EventStream, TEST_TIMEOUT, eventually, seed_payload};
use crate::stand_in::{PATH, StandIn, posto, reserva};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_when_to_ask_and_never_what_is_sent() {
    let stand_in = StandIn::start(&[]).await;
    let mut stream = stand_in.client.listen(PATH).await;
    assert_eq!(stream.next().await.expect("its state").summary(), ("reserva", Some("1"), "ativa"));
    let before = stand_in.settles().await;
    // Of another servidor's reserva of the same number.
    stand_in.publish_public("server8").await;
    assert!(stream.is_silent().await);
    assert_eq!(stand_in.consulted(), before);
    // It promises what the servidor does not confirm.
    stand_in.publish_private(9).await;
    eventually("it is asked", async || stand_in.consulted() == before + 1).await;
    assert!(stream.is_silent().await);
    // What is known already is not asked for.
    stand_in.publish_private(1).await;
    assert!(stream.is_silent().await);
    assert_eq!(stand_in.consulted(), before + 1);
    for (versao, private) in [(2, false), (3, true)] {
        stand_in.says(reserva(versao, "ativa"));
        match private {
            true => stand_in.publish_private(versao).await,
            false => stand_in.publish_public("server9").await,
        }
        let sent = stream.next().await.expect("a change");
        assert_eq!(sent.id, Some(versao.to_string()));
    }
    // In an array of events of several reservas.
    stand_in.says(reserva(4, "ativa"));
    stand_in.publish_private_array(&[("r0", 7), ("r1", 4)]).await;
    assert_eq!(stream.next().await.expect("a change").id.as_deref(), Some("4"));
    // It goes back, as that of a restored servidor does, and may then have another state of the same
    // versao.
    for (versao, status) in [(1, "ativa"), (1, "na_fila")] {
        stand_in.says(reserva(versao, status));
        stand_in.publish_public("server9").await;
        let restored = stream.next().await.expect("a state");
        assert_eq!(restored.summary(), ("reserva", Some("1"), status));
    }
    stand_in.publish_public("server9").await;
    assert!(stream.is_silent().await, "nothing new");
    stand_in.says(reserva(5, "cancelada"));
    stand_in.publish_public("server9").await;
    assert_eq!(stream.next().await.expect("a change").summary().1, Some("5"));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_follow_one_reserva_share_its_questions() {
    let stand_in = StandIn::start(&[]).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(stand_in.client.listen(PATH).await);
    }
    for stream in &mut streams {
        stream.next().await.expect("its state");
    }
    let before = stand_in.settles().await;
    stand_in.says(reserva(2, "ativa"));
    // As a servidor publishes a change.
    stand_in.publish_public("server9").await;
    stand_in.publish_private(2).await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("a change").id.as_deref(), Some("2"));
    }
    let asked = stand_in.settles().await - before;
    assert!((1..=2).contains(&asked), "{asked} questions for one change");
    stand_in.is("offline").await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("it goes").summary(), ("servidor", None, "offline"));
    }
    let before = stand_in.settles().await;
    stand_in.says(reserva(3, "encerrada"));
    stand_in.is("online").await;
    for stream in &mut streams {
        assert_eq!(
            stream.next().await.expect("it returns").summary(),
            ("servidor", None, "online")
        );
        assert_eq!(stream.next().await.expect("a change").id.as_deref(), Some("3"));
        assert_eq!(stream.next().await, None);
    }
    assert!(stand_in.settles().await - before <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reservas_that_change_at_once_do_not_flood_the_servidor() {
    let stand_in = StandIn::start(&[("MAX_EVENTOS", "512")]).await;
    let mut streams = Vec::new();
    for number in 0..100 {
        let path = PATH.replace("r1", &format!("r{number}"));
        streams.push(stand_in.client.listen(&path).await);
    }
    for stream in &mut streams {
        stream.next().await.expect("its state");
    }
    stand_in.settles().await;
    {
        let mut said = stand_in.said.lock().expect("no panic");
        said.reserva = reserva(2, "ativa");
        said.at_once = 0;
        said.delay = Duration::from_millis(5);
    }
    // All have the number of this one.
    stand_in.publish_public("server9").await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("a change").id.as_deref(), Some("2"));
    }
    let at_once = stand_in.said.lock().expect("no panic").at_once;
    assert!((2..=16).contains(&at_once), "{at_once} at once");
}

/// Some changes have no event, and an event may be lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_an_event_is_found_by_asking_again() {
    let stand_in = StandIn::start(&[]).await;
    let mut reserva_stream = stand_in.client.listen(PATH).await;
    reserva_stream.next().await.expect("its state");
    let mut feed = stand_in.client.listen("/eventos").await;
    assert_eq!(feed.next().await.expect("a state").data["postos"], json!([posto(5, true)]));
    stand_in.settles().await;
    {
        let mut said = stand_in.said.lock().expect("no panic");
        said.reserva = reserva(2, "ativa");
        said.postos = json!([posto(5, false)]);
    }
    // Both are asked for every 30 s.
    let limit = Duration::from_secs(30) + TEST_TIMEOUT;
    let (changed, listed) =
        tokio::join!(reserva_stream.next_within(limit), feed.next_within(limit));
    assert_eq!(changed.expect("a change").id.as_deref(), Some("2"));
    let listed = listed.expect("a change");
    assert!(listed.data.to_string().contains(r#""disponivel":false"#), "{listed:?}");
}

/// All questions wait for an answer, and there are more than may be in flight.
#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_that_does_not_answer_holds_up_no_stream_of_another() {
    let StandIn { world, client, operator: _operator, said } =
        StandIn::start(&[("MAX_EVENTOS", "512")]).await;
    let _server = world.server("server1").await;
    client.sees("server1", "online").await;
    let made = client.reservar(&seed_payload()).await;
    said.lock().expect("no panic").delay = Duration::from_secs(60);
    let mut waiting = JoinSet::new();
    for number in 0..100 {
        let path = PATH.replace("r1", &format!("r{number}"));
        waiting.spawn(client.request(Method::GET, &path).send());
    }
    eventually("it is asked", async || said.lock().expect("no panic").consulted > 0).await;
    let path = format!("/reservas/{}/eventos?server_id=server1", made.request_id());
    let mut stream = client.listen(&path).await;
    assert_eq!(stream.next().await.expect("its state").summary(), ("reserva", Some("1"), "ativa"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_that_is_forgotten_ends_its_streams() {
    let stand_in = StandIn::start(&[]).await;
    let mut stream = stand_in.client.listen(PATH).await;
    stream.next().await.expect("its state");
    stand_in.says(Value::Null);
    stand_in.publish_public("server9").await;
    assert_eq!(stream.next().await, None);
    assert_eq!(stand_in.client.get(PATH).await.verdict(), (404, "reserva_inexistente"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_that_is_removed_is_gone_for_who_follows_a_reserva() {
    let stand_in = StandIn::start(&[]).await;
    let mut stream = stand_in.client.listen(PATH).await;
    stream.next().await.expect("its state");
    let removed = service::now().to_string();
    stand_in.operator.publish_retained("server/server9/status", "").await;
    let gone = stream.next().await.expect("it is gone");
    assert_eq!((gone.name.as_str(), &gone.data["status"]), ("servidor", &json!("offline")));
    assert!(gone.data["desde"].as_str() >= Some(&removed), "{gone:?}");
    stand_in.is("online").await;
    let back = stream.next().await.expect("it is back");
    assert_eq!((back.name.as_str(), &back.data["status"]), ("servidor", &json!("online")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_of_two_changes_wins_over_the_list() {
    let stand_in = StandIn::start(&[]).await;
    let mut stream = stand_in.client.listen("/eventos").await;
    assert_eq!(stream.next().await.expect("a state").data["postos"], json!([posto(5, true)]));
    for disponivel in [false, true, false] {
        stand_in.publish_posto(5, disponivel).await;
    }
    for disponivel in [false, true, false] {
        let event = stream.next().await.expect("a change");
        assert_eq!(event.data["disponivel"], json!(disponivel));
    }
    // Nothing new.
    stand_in.publish_posto(5, false).await;
    assert!(stream.is_silent().await);
    // A new one is in no list yet; the list that is asked for then says what the events have said.
    stand_in.said.lock().expect("no panic").postos = json!([posto(5, true), posto(6, true)]);
    stand_in.publish_posto(6, true).await;
    let estado = stream.next().await.expect("a state");
    assert_eq!(estado.data["postos"].as_array().map(Vec::len), Some(2));
    stand_in.is("offline").await;
    assert_eq!(stream.next().await.expect("it goes").summary(), ("servidor", None, "offline"));
    let mut late = stand_in.client.listen("/eventos").await;
    let offline = late.next().await.expect("a state");
    assert_eq!(
        (offline.summary(), &offline.data["postos"]),
        (("estado", None, "offline"), &json!([]))
    );
    stand_in.is("online").await;
    for stream in [&mut stream, &mut late] {
        assert_eq!(
            stream.next().await.expect("it returns").summary(),
            ("servidor", None, "online")
        );
        assert_eq!(stream.next().await.expect("a state").summary(), ("estado", None, "online"));
    }
}

/// A reader that reads nothing is sent the whole state when it reads again, and delays nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_sent_the_state_anew() {
    let stand_in = StandIn::start(&[]).await;
    // A list that fills what the two ends of a connection keep.
    let long = "x".repeat(8 << 20);
    stand_in.said.lock().expect("no panic").postos =
        json!([{"id": 5, "nome": long, "disponivel": true, "em_manutencao": false}]);
    let request = stand_in.client.request(reqwest::Method::GET, "/eventos");
    let mut slow = EventStream::open(request).await.unwrap_or_else(|answer| panic!("{answer:?}"));
    let mut quick = stand_in.client.listen("/eventos").await;
    quick.next_named("estado").await;
    for number in 0..600 {
        stand_in.publish_posto(5, number % 2 == 1).await;
        quick.next_named("posto").await;
    }
    let (mut postos, mut estados, mut last) = (0, 0, json!(null));
    while last != json!(true) || estados < 2 {
        let event = slow.next().await.expect("an event");
        match &*event.name {
            "estado" => {
                estados += 1;
                last = event.data["postos"][0]["disponivel"].clone();
            }
            "posto" => {
                postos += 1;
                last = event.data["disponivel"].clone();
            }
            other => panic!("{other}"),
        }
    }
    assert!(postos < 600, "{postos} were kept for it");
    eventually("both know the same", async || slow.is_silent().await && quick.is_silent().await)
        .await;
}
