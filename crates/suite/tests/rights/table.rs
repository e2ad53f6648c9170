//! The rights as `docs/security.md` states them, for people and for this test.

use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../docs/security.md");
const HEADER: &str = "| role | may publish | may receive |";

/// Topic filters of one role, with the placeholders c, s, p and n as levels.
#[derive(Debug, Clone, Default)]
struct Rights {
    publish: Vec<String>,
    receive: Vec<String>,
}

/// The rights of one user.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    publish: Vec<String>,
    receive: Vec<String>,
}

impl Allowed {
    pub(crate) fn publishes(&self, topic: &str) -> bool {
        self.publish.iter().any(|filter| matches(filter, topic))
    }

    pub(crate) fn receives(&self, topic: &str) -> bool {
        self.receive.iter().any(|filter| matches(filter, topic))
    }
}

/// The rights of the user of this name.
pub(crate) fn allowed(user: &str) -> Allowed {
    let (role, id) = user.split_once('.').expect("PAPEL.ID");
    let rights = rights();
    let rights = &rights[role];
    let named: Vec<(&str, &str)> = match role {
        "gateway" | "app" => vec![("c", id)],
        "servidor" => vec![("s", id)],
        "carro" => vec![("p", id)],
        "carregador" => {
            let (server_id, posto) = id.split_once('.').expect("SERVIDOR.POSTO");
            vec![("s", server_id), ("n", posto)]
        }
        other => panic!("the role {other}"),
    };
    let own = |filters: &[String]| filters.iter().map(|filter| filled(filter, &named)).collect();
    Allowed { publish: own(&rights.publish), receive: own(&rights.receive) }
}

fn filled(filter: &str, named: &[(&str, &str)]) -> String {
    let level = |level: &str| {
        let value = named.iter().find(|(name, _)| *name == level);
        value.map_or(level, |(_, value)| value).to_owned()
    };
    filter.split('/').map(level).collect::<Vec<_>>().join("/")
}

fn rights() -> BTreeMap<String, Rights> {
    let mut roles: BTreeMap<String, Rights> = BTreeMap::new();
    let rows = PAGE.lines().skip_while(|line| *line != HEADER).skip(2);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [names, publish, receive] = cells[..] else { panic!("three cells: {row}") };
        let broadcast: Vec<String> = roles.get("gateway").map_or(Vec::new(), |gateway| {
            gateway
                .publish
                .iter()
                .filter(|topic| topic.starts_with("server/postos"))
                .cloned()
                .collect()
        });
        let rights =
            Rights { publish: topics(publish, &broadcast), receive: topics(receive, &broadcast) };
        if names == "nobody" {
            assert!(rights.publish.is_empty() && rights.receive.is_empty());
        }
        for name in names.split('`').skip(1).step_by(2) {
            roles.insert(name.to_owned(), rights.clone());
        }
    }
    assert_eq!(roles.len(), 5, "roles in docs/security.md");
    roles
}

/// The topic filters of a cell. `broadcast` is what "the broadcast commands above" are.
fn topics(cell: &str, broadcast: &[String]) -> Vec<String> {
    let mut topics = Vec::new();
    let mut rest = cell;
    if let Some(after) = rest.strip_prefix("the broadcast commands above") {
        topics.extend_from_slice(broadcast);
        rest = after;
    }
    if rest == "nothing" {
        return topics;
    }
    let mut parts = rest.split('`');
    while let (Some(words), Some(code)) = (parts.next(), parts.next()) {
        match words.trim_matches([',', ' ']) {
            "" => topics.push(code.replace('…', "server/postos")),
            "and the same after" => {
                let same = |topic: &String| topic.replacen("server/", code, 1);
                topics.extend(topics.iter().map(same).collect::<Vec<_>>());
            }
            other => panic!("these words are not understood: {other}"),
        }
    }
    topics
}

/// Whether a topic filter matches a topic, as MQTT defines it.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for part in filter.split('/') {
        match (part, levels.next()) {
            // Also the level above it.
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (part, Some(level)) if part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[test]
fn the_table_is_read_as_it_is_meant() {
    let gateway = allowed("gateway.cliente3");
    assert_eq!(gateway.publish.len(), 8);
    for (topic, publishes, receives) in [
        ("server/postos/reserva/cancelamento", true, false),
        ("server/server9/postos/reserva/consulta", true, false),
        ("server/postos/status", false, true),
        ("client/cliente3/postos/response", false, true),
        ("client/cliente4/postos/response", false, false),
        ("carros/ABC1234/status", false, false),
    ] {
        assert_eq!(gateway.publishes(topic), publishes, "{topic}");
        assert_eq!(gateway.receives(topic), receives, "{topic}");
    }
    let servidor = allowed("servidor.s3");
    assert_eq!(servidor.receive.len(), 7);
    assert!(servidor.receives("server/postos/reserva/consulta"));
    assert!(servidor.publishes("server/s3/status") && !servidor.publishes("server/s4/status"));
    let carregador = allowed("carregador.s3.7");
    assert!(carregador.publishes("server/s3/pontos/7/disponibilidade"));
    assert!(!carregador.publishes("server/s3/pontos/8/disponibilidade"));
}

#[test]
fn filters_match_as_mqtt_defines() {
    for (filter, topic, expected) in [
        ("#", "a/b", true),
        ("#", "$SYS/a", false),
        ("+/a", "$SYS/a", false),
        ("$SYS/#", "$SYS/a", true),
        ("a/#", "a", true),
        ("a/+", "a", false),
        ("a/+", "a/", true),
        ("a/+/c", "a//c", true),
        ("a/+", "a/b/c", false),
        ("a/b", "a/b", true),
        ("a/b", "a/b/", false),
    ] {
        assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
    }
}
