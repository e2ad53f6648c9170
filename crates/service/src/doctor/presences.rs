//! What the presences on the broker say of the servidores, and of programs with one id.

use protocol::{ServerPresence, ServerState, Timestamp, topics};

use super::report::Check;
use super::running::Instance;
use crate::VERSION;

/// Clocks of machines that nobody sets by hand differ by less.
const CLOCK_TOLERANCE_MS: i64 = 30_000;

/// Who has kept the presences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresenceSource {
    /// A Last Will is written before, and says since when the servidor had been connected.
    Broker,
    /// It saw when each servidor went.
    Gateway,
    /// The broker, for a user whose rights may leave out the presences of others.
    OwnTopic,
}

/// What is known of a servidor's own presence.
#[derive(Debug, Clone, Copy)]
pub struct OwnPresence<'a> {
    pub server_id: &'a str,
    /// What is known of it on this machine.
    pub instance: Instance,
    /// Different presences that were seen while the broker was listened to.
    pub changes: usize,
}

/// The latest presence of each servidor, of topics and payloads in the order in which they came.
pub fn read_presences<'a>(seen: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<ServerPresence> {
    let mut latest: Vec<ServerPresence> = Vec::new();
    for (topic, payload) in seen {
        let Ok(presence) = serde_json::from_slice::<ServerPresence>(payload) else { continue };
        if topics::presence_of(topic) == Some(presence.server_id.as_str()) {
            latest.retain(|known| known.server_id != presence.server_id);
            latest.push(presence);
        }
    }
    latest
}

/// Of all servidores that were seen; `own` where a servidor asks.
pub fn presence_checks(
    seen: &[ServerPresence],
    source: PresenceSource,
    own: Option<OwnPresence<'_>>,
    now: Timestamp,
) -> Vec<Check> {
    let is_own =
        |one: &ServerPresence| own.is_some_and(|own| one.server_id.as_str() == own.server_id);
    let sees_others = source != PresenceSource::OwnTopic || seen.iter().any(|one| !is_own(one));
    let mut checks = vec![if sees_others { count(seen) } else { others_unseen() }];
    checks.extend(own.map(|own| duplicate(own, seen)));
    for presence in seen.iter().filter(|one| !is_own(one)) {
        if presence.status == ServerState::Offline {
            checks.push(offline(presence, source));
        }
    }
    let online = || seen.iter().filter(|one| one.status == ServerState::Online);
    let other_versions: Vec<_> = online().filter(|one| one.versao != VERSION).collect();
    if other_versions.is_empty() && online().next().is_some() {
        checks.push(Check::ok("versions", format!("every servidor that is online is {VERSION}")));
    }
    checks.extend(other_versions.into_iter().map(other_version));
    checks.extend(online().filter_map(|one| clock_of(one, now)));
    checks
}

fn others_unseen() -> Check {
    let found = "no other servidor is seen: the user of this one may have no right to";
    Check::unchecked("servidores", found, "ask a gateway, which sees all: client doctor")
}

fn count(seen: &[ServerPresence]) -> Check {
    if seen.is_empty() {
        let remedy = "start a servidor with the same MQTT_BROKER; a broker that was emptied learns of \
                      those that run when they reconnect";
        return Check::warning("servidores", "the broker knows none", remedy);
    }
    let online = seen.iter().filter(|one| one.status == ServerState::Online);
    let online: Vec<_> = online.map(|one| one.server_id.as_str()).collect();
    let names = if online.is_empty() { String::new() } else { format!(": {}", online.join(", ")) };
    Check::ok("servidores", format!("{} of {} are online{names}", online.len(), seen.len()))
}

/// Another program with the id of this one.
fn duplicate(own: OwnPresence<'_>, seen: &[ServerPresence]) -> Check {
    const NAME: &str = "one id";
    let OwnPresence { server_id, instance, changes } = own;
    let remedy = "stop the other program, or give each a SERVER_ID of its own; one that was killed a \
                  moment ago is shown online for up to 12 s";
    if changes > 1 {
        let found = format!("the presence of {server_id} changed {changes} times in a moment");
        return Check::failure(NAME, found, remedy);
    }
    let is_online = |one: &&ServerPresence| {
        one.server_id.as_str() == server_id && one.status == ServerState::Online
    };
    let alone = || Check::ok(NAME, format!("no other program is seen that is {server_id}"));
    let Some(ServerPresence { desde, .. }) = seen.iter().find(is_online) else {
        return alone();
    };
    let online = format!("is online on the broker since {desde}");
    match instance {
        Instance::Runs { is_connected: true } => alone(),
        Instance::Runs { is_connected: false } => {
            let found = format!("{server_id} has no connection here, and {online}");
            Check::failure(NAME, found, remedy)
        }
        Instance::Absent => {
            let found = format!("{server_id} does not run here, and {online}");
            Check::failure(NAME, found, remedy)
        }
        Instance::Uncertain => {
            let found = format!("{server_id} {online}, and whether it runs here is not known");
            Check::unchecked(NAME, found, "the lines of `program` say why")
        }
    }
}

/// Where the broker was not listened to.
pub fn unheard_presences() -> Check {
    let found = "the broker was not listened to: which servidores are online, their versions and clocks, \
                 and programs with one id, are not known";
    Check::unchecked("servidores", found, "the lines of `broker` say why")
}

fn offline(presence: &ServerPresence, source: PresenceSource) -> Check {
    let ServerPresence { server_id, desde, .. } = presence;
    let since = match source {
        PresenceSource::Broker | PresenceSource::OwnTopic => {
            format!("its last connection began at {desde}")
        }
        PresenceSource::Gateway => format!("since {desde}"),
    };
    let topic = topics::presence(server_id);
    let remedy = format!(
        "start {server_id}; if it is gone for good, the broker forgets it by: mosquitto_pub -q 1 -r -n \
         -t {topic}"
    );
    Check::warning("servidores", format!("{server_id} is offline: {since}"), remedy)
}

fn other_version(presence: &ServerPresence) -> Check {
    let ServerPresence { server_id, versao, .. } = presence;
    let found = format!("{server_id} is {versao}, and this program {VERSION}");
    let remedy = "bring both to one version, in the order that docs/upgrading.md says";
    Check::warning("versions", found, remedy)
}

/// A connection cannot have begun later than now.
fn clock_of(presence: &ServerPresence, now: Timestamp) -> Option<Check> {
    let ServerPresence { server_id, desde, .. } = presence;
    let ahead = desde.as_millis().saturating_sub(now.as_millis());
    (ahead > CLOCK_TOLERANCE_MS).then(|| {
        let found = format!("{server_id} is online since {desde}, and here it is {now}");
        let remedy = format!(
            "one of the two clocks is wrong: have NTP set that of this machine and of {server_id}'s \
             (timedatectl set-ntp true)"
        );
        Check::failure("clocks", found, remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    const NOW: i64 = 1_800_000_000_000;

    fn presence(id: &str, status: ServerState, versao: &str, desde: i64) -> ServerPresence {
        ServerPresence {
            server_id: id.parse().expect("an id"),
            status,
            desde: Timestamp::clamped(desde),
            versao: versao.to_owned(),
            entrega: Vec::new(),
        }
    }

    fn online(id: &str) -> ServerPresence {
        presence(id, ServerState::Online, VERSION, NOW - 1_000)
    }

    const CONNECTED: Instance = Instance::Runs { is_connected: true };
    const UNCONNECTED: Instance = Instance::Runs { is_connected: false };

    fn own(instance: Instance, changes: usize) -> Option<OwnPresence<'static>> {
        Some(OwnPresence { server_id: "server1", instance, changes })
    }

    fn worst(seen: &[ServerPresence], own: Option<OwnPresence<'_>>) -> Check {
        let now = Timestamp::clamped(NOW);
        let checks = presence_checks(seen, PresenceSource::Broker, own, now);
        checks.into_iter().max_by_key(|check| check.verdict).expect("a check")
    }

    #[test]
    fn what_presences_say_is_named_with_its_remedy() {
        let offline = presence("server2", ServerState::Offline, VERSION, NOW - 1_000);
        let older = presence("server2", ServerState::Online, "0.0.9", NOW - 1_000);
        let ahead = presence("server2", ServerState::Online, VERSION, NOW + 60_000);
        let own_offline = presence("server1", ServerState::Offline, VERSION, NOW - 1_000);
        for (seen, own, verdict, found, remedy) in [
            (vec![], None, Verdict::Warning, "knows none", "start a servidor"),
            (vec![online("server1"), online("server2")], own(CONNECTED, 1), Verdict::Ok, "", ""),
            (vec![own_offline], own(Instance::Absent, 1), Verdict::Ok, "", ""),
            (
                vec![online("server1"), offline],
                own(CONNECTED, 1),
                Verdict::Warning,
                "server2 is offline: its last connection began at 2027-",
                "mosquitto_pub -q 1 -r -n -t server/server2/status",
            ),
            (vec![older], None, Verdict::Warning, "server2 is 0.0.9", "docs/upgrading.md"),
            (vec![ahead], None, Verdict::Failure, "server2 is online since", "timedatectl"),
            (
                vec![online("server1")],
                own(Instance::Absent, 1),
                Verdict::Failure,
                "does not run here, and is online",
                "a SERVER_ID of its own",
            ),
            (
                vec![online("server1")],
                own(UNCONNECTED, 1),
                Verdict::Failure,
                "has no connection here, and is online",
                "a SERVER_ID of its own",
            ),
            (
                vec![online("server1")],
                own(Instance::Uncertain, 1),
                Verdict::Unchecked,
                "whether it runs here is not known",
                "the lines of `program`",
            ),
            (
                vec![online("server1")],
                own(CONNECTED, 3),
                Verdict::Failure,
                "changed 3 times",
                "a SERVER_ID of its own",
            ),
        ] {
            let check = worst(&seen, own);
            let shown = check.remedy.clone().unwrap_or_default();
            assert!(check.verdict == verdict && check.found.contains(found), "{check:?}");
            assert!(shown.contains(remedy), "{check:?}");
        }
    }

    #[test]
    fn a_servidor_that_runs_is_online_by_right() {
        assert_eq!(worst(&[online("server1")], own(CONNECTED, 1)).verdict, Verdict::Ok);
        let other = [online("server2")];
        assert_eq!(
            worst(&other, own(Instance::Uncertain, 0)).verdict,
            Verdict::Ok,
            "it is not seen"
        );
    }
}
