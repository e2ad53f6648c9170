//! Who decides whether a request is traced, and what its messages say of it.

use reqwest::Method;

use crate::harness::{
    Client5, Collector, Health, PlainClient, Program, World, eventually, seed_payload,
};
use crate::traces::request::{
    CALLER, RESERVA, TRACE_ID, check_reservation, command, reservation, traced, traced_pair,
    traceparent,
};

/// Reserves a posto, and gives what the command and its answer had on the wire.
async fn on_the_wire(world: &World, client: &Program) -> [Vec<String>; 2] {
    let topics = ["server/postos/reserva", "client/cliente1/postos/reserva/response"];
    let mut listener = Client5::subscribe(world, "listener", &topics).await;
    let body = seed_payload();
    let answer =
        traced(client, Method::POST, "/reservar", Some(&body), &traceparent(TRACE_ID)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (command, reply) = (listener.next_traceparents().await, listener.next_traceparents().await);
    assert_eq!([&*command.0, &*reply.0], topics);
    [command.1, reply.1]
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tracing_no_packet_says_anything_of_a_trace() {
    let world = World::new().await;
    let (_server, client) = world.pair().await;
    assert_eq!(on_the_wire(&world, &client).await, [Vec::<String>::new(), Vec::new()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_does_not_sample_the_servidor_does_not_either() {
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let (server, client) =
        traced_pair(&world, &collector, &[("OTEL_TRACES_SAMPLER", "always_off")]).await;
    let [command, reply] = on_the_wire(&world, &client).await;
    assert_eq!(command, [""], "only that it is not traced");
    assert!(reply.is_empty());
    // A later request of the servidor's own is exported after all that came before.
    traced(&server, Method::GET, "/status", None, &traceparent(TRACE_ID)).await;
    collector.wait_for(TRACE_ID, &[("GET /status", 1)]).await;
    assert!(collector.spans().iter().all(|span| !span.name.contains(RESERVA)));
    let lines = client.log_lines().into_iter().chain(server.log_lines());
    assert!(
        lines.filter(|line| !line["request_id"].is_null()).all(|line| line["trace_id"].is_null())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_parentbased_a_caller_chooses_neither_its_trace_nor_that_there_is_one() {
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let always = [("OTEL_TRACES_SAMPLER", "always_on")];
    let (_server, client) = traced_pair(&world, &collector, &always).await;
    let body = seed_payload();
    let unsampled = traceparent(TRACE_ID).replace("-01", "-00");
    let answer = traced(&client, Method::POST, "/reservar", Some(&body), &unsampled).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let http = || collector.spans().into_iter().find(|span| span.name == "POST /reservar");
    eventually("it is traced", async || http().is_some()).await;
    let http = http().expect("a span");
    assert_eq!(http.links, [(TRACE_ID.to_owned(), CALLER.to_owned())]);
    check_reservation(&reservation(&collector, &http.trace_id).await, "");
    assert_eq!(collector.trace(TRACE_ID).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ratio_decides_by_an_id_that_no_caller_has_chosen() {
    // The least of all ids by which the sampler decides.
    const LEAST: &str = "4bf92f3577b34da60000000000000001";
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let rarely = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.000001")];
    let (server, client) = traced_pair(&world, &collector, &rarely).await;
    let body = seed_payload();
    let answer = traced(&client, Method::POST, "/reservar", Some(&body), &traceparent(LEAST)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    traced(&server, Method::GET, "/status", None, &traceparent(TRACE_ID)).await;
    collector.wait_for(TRACE_ID, &[("GET /status", 1)]).await;
    assert!(collector.spans().iter().all(|span| !span.name.contains(RESERVA)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_parentbased_no_sender_switches_the_traces_of_a_servidor_off() {
    let world = World::new().await;
    let collector = Collector::start(Health::Well).await;
    let endpoint = collector.endpoint();
    let set = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_TRACES_SAMPLER", "always_on"),
    ];
    let server = world.server_with("server1", &set).await;
    server.ready().await;
    let reply = "client/app1/postos/reserva/response";
    let mut app = PlainClient::subscribe(&world, "app1", &[reply]).await;
    let sender = Client5::subscribe(&world, "app2", &[]).await;
    let topic = "server/server1/postos/reserva";
    sender.publish(topic, command("untraced", 1), &[("traceparent", "")]).await;
    assert_eq!(app.next(reply).await["status"], "sucesso");
    eventually("it is traced", async || {
        let spans = collector.spans();
        spans.iter().any(|span| span.name == "process postos/reserva" && span.parent.is_empty())
    })
    .await;
}
