//! Request and reply.

use std::time::Duration;

use client::{Call, GatewayError};
use tokio::time::{Instant, sleep, timeout};

use crate::bus_support::{
    Broker, Proxy, TEST_TIMEOUT, down, eventually, logs, next, options, up, up_after,
};
use crate::programs::{COMMANDS, Caller, Echo, call, reply, server1, timeout_error};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_call_gets_its_reply() {
    let broker = Broker::start().await;
    let _echo = Echo::start(broker.port).await;
    let caller = Caller::start(broker.port, 10).await;
    let call = call(LIMIT);
    let id = call.request_id.clone();
    let reply = caller.requester.call(call).await.unwrap();
    assert!(String::from_utf8_lossy(&reply.body).contains(id.as_str()));
    assert_eq!((caller.requester.pending(), caller.requester.unawaited()), (0, 0));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_command_that_the_broker_refuses_is_answered_at_once() {
    let broker = Broker::start_with("message_size_limit 10\n").await;
    let caller = Caller::start(broker.port, 10).await;
    let start = Instant::now();
    assert_eq!(caller.call(LIMIT).await, Err(GatewayError::RefusedByBroker));
    assert!(start.elapsed() < LIMIT / 2, "long before half time");
    assert_eq!(caller.requester.pending(), 0);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_call_survives_a_broker_that_is_killed_and_restarted() {
    logs();
    let mut broker = Broker::start().await;
    let echo = Echo::start(broker.port).await;
    let proxy = Proxy::to(&broker).await;
    let caller = Caller::start(proxy.port, 10).await;
    // The command is sent, and is lost with the broker before it arrives.
    proxy.freeze();
    // By itself it would repeat the command at half time.
    let limit = Duration::from_secs(60);
    let calling = caller.call(limit);
    let served_on = up(&echo.bus).await;
    let killing = async {
        sleep(Duration::from_millis(100)).await;
        broker.kill().await;
        proxy.cut();
        down(&caller.bus).await;
        sleep(Duration::from_millis(300)).await;
        broker.resume().await;
        // The caller may reconnect before the servidor, which then misses the repeat. A gateway
        // notices the servidor's return from its presence.
        up_after(&echo.bus, served_on).await;
        caller.requester.server_returned(&server1());
    };
    let start = Instant::now();
    let (reply, ()) = tokio::join!(calling, killing);
    reply.unwrap();
    assert!(start.elapsed() < limit / 2, "{:?}", start.elapsed());
    assert_eq!(echo.seen.lock().unwrap().commands.len(), 1);
    assert_eq!(caller.requester.pending(), 0);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn without_a_broker_a_call_fails_at_once() {
    let mut broker = Broker::start().await;
    let caller = Caller::start(broker.port, 10).await;
    broker.kill().await;
    down(&caller.bus).await;
    let start = Instant::now();
    assert_eq!(caller.call(LIMIT).await, Err(GatewayError::BrokerDown));
    assert!(start.elapsed() < LIMIT / 2, "it waits for nothing");
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn repeats_only_at_half_time_and_for_a_server_that_returns() {
    let broker = Broker::start().await;
    let (server, mut commands) = bus::connect(options(broker.port, "server1", &[COMMANDS]));
    up(&server).await;
    let caller = Caller::start(broker.port, 10).await;
    let command = call(Duration::from_secs(4));
    let calling = caller.requester.call(command.clone());
    let serving = async {
        let first = next(&mut commands).await;
        assert_eq!(first.payload, command.payload);
        assert_eq!(first.expiry, Some(Duration::from_secs(3)));
        assert_eq!(first.correlation.as_deref(), Some(command.request_id.as_str().as_bytes()));
        assert_eq!(first.response_topic.as_deref(), Some(&*command.response_topic));
        first.ack.done();
        caller.requester.server_returned(&"other".parse().unwrap());
        assert!(timeout(Duration::from_millis(200), commands.recv()).await.is_err());
        caller.requester.server_returned(&server1());
        let again = next(&mut commands).await;
        assert_eq!(again.payload, command.payload);
        again.ack.done();
        let at_half_time = next(&mut commands).await;
        assert_eq!(at_half_time.payload, command.payload);
        assert_eq!(at_half_time.expiry, Some(Duration::from_secs(1)));
        at_half_time.ack.done();
    };
    let (got, ()) = tokio::join!(calling, serving);
    assert_eq!(got, Err(timeout_error()));
    assert!(commands.try_recv().is_err(), "no further repeat");
    assert_eq!(caller.requester.pending(), 0);
    assert!(!caller.requester.deliver(command.request_id.as_str(), reply("{}")));
    assert_eq!(caller.requester.unawaited(), 1);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn repeats_what_a_broken_connection_may_have_lost() {
    let broker = Broker::start().await;
    let (server, mut commands) = bus::connect(options(broker.port, "server1", &[COMMANDS]));
    up(&server).await;
    let proxy = Proxy::to(&broker).await;
    let caller = Caller::start(proxy.port, 10).await;
    let command = call(LIMIT);
    let calling = caller.requester.call(command.clone());
    let serving = async {
        next(&mut commands).await.ack.done();
        // After the PUBACK only the requester has a reason to send again.
        eventually("the PUBACK arrives", || caller.bus.counters().acknowledged == 1).await;
        proxy.cut();
        up_after(&caller.bus, 1).await;
        let again = next(&mut commands).await;
        assert_eq!(again.payload, command.payload);
        again.ack.done();
        caller.requester.deliver(command.request_id.as_str(), reply("{}"))
    };
    let (got, delivered) = tokio::join!(calling, serving);
    assert!(delivered);
    assert_eq!(got, Ok(reply("{}")));
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn the_same_request_is_published_once_and_another_payload_is_refused() {
    let broker = Broker::start().await;
    let (server, mut commands) = bus::connect(options(broker.port, "server1", &[COMMANDS]));
    up(&server).await;
    let caller = Caller::start(broker.port, 10).await;
    let command = call(LIMIT);
    let other = Call { payload: "{}".into(), ..command.clone() };
    let requester = &caller.requester;
    let serving = async {
        next(&mut commands).await.ack.done();
        assert_eq!(requester.pending(), 1);
        assert_eq!(requester.call(other).await, Err(GatewayError::KeyReused));
        assert!(commands.try_recv().is_err(), "published once");
        assert!(requester.deliver(command.request_id.as_str(), reply("1")));
    };
    let (first, second, ()) =
        tokio::join!(requester.call(command.clone()), requester.call(command.clone()), serving);
    assert_eq!((first, second), (Ok(reply("1")), Ok(reply("1"))));
    assert_eq!(requester.pending(), 0);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn a_cancelled_call_leaves_nothing_behind() {
    let broker = Broker::start().await;
    let caller = Caller::start(broker.port, 10).await;
    let command = call(LIMIT);
    let cancelled = timeout(Duration::from_millis(50), caller.requester.call(command.clone()));
    let patient = caller.requester.call(command.clone());
    let rest = async {
        assert!(cancelled.await.is_err());
        assert_eq!(caller.requester.pending(), 1, "another caller waits for the same");
        caller.requester.deliver(command.request_id.as_str(), reply("1"));
    };
    let (got, ()) = tokio::join!(patient, rest);
    assert_eq!(got, Ok(reply("1")));
    let alone = timeout(Duration::from_millis(50), caller.call(LIMIT));
    assert!(alone.await.is_err());
    assert_eq!(caller.requester.pending(), 0);
}

#[tokio::test]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn calls_beyond_the_capacity_are_refused_at_once() {
    let broker = Broker::start().await;
    let caller = Caller::start(broker.port, 2).await;
    let refused = async {
        eventually("two wait", || caller.requester.pending() == 2).await;
        assert_eq!(caller.call(LIMIT).await, Err(GatewayError::Overloaded));
    };
    let waiting = timeout(TEST_TIMEOUT, async {
        tokio::select! {
            _ = async { tokio::join!(caller.call(LIMIT), caller.call(LIMIT)) } => {}
            () = refused => {}
        }
    });
    waiting.await.unwrap();
    assert_eq!(caller.requester.pending(), 0);
}
