//! Who held a posto that a carro was refused, and whether a listing was true.

use serde_json::Value;

use super::checks::{Scene, reported};
use super::database::SessionRow;
use super::site::{Call, NOT_HEARD, What};
use super::timelines::{By, Timeline, UNKNOWN};

/// How much longer a charger's word may be under way that was not heard soon.
const SERVICE_DELAY: i64 = 600_000;

pub(crate) fn held_by_nobody(scene: &Scene<'_>) -> Vec<String> {
    let services = Services::of(scene.calls);
    let mut found = Vec::new();
    for call in scene.calls {
        let explained = match (&call.what, call.answer.status) {
            (What::List, 200) => {
                found.extend(listed_wrong(scene, &services, call));
                true
            }
            (_, 409) => is_explained(scene, &services, call),
            _ => true,
        };
        if !explained {
            found.push(format!("nothing explains {call:?}"));
        }
    }
    found
}

fn is_explained(scene: &Scene<'_>, services: &Services, call: &Call) -> bool {
    let during = (call.started, call.ended);
    let (posto, interval) = match call.what {
        What::Reserve { posto, inicio, fim } | What::Change { posto, inicio, fim, .. } => {
            (posto, (inicio, fim))
        }
        What::Start { posto } | What::Report { posto, .. } => {
            (posto, (call.started, call.ended + 1))
        }
        _ => (0, (0, 0)),
    };
    let begins_now = interval.0 <= call.ended;
    let own = |timeline: &Timeline| timeline.row.placa == call.placa;
    let charges = |placa_is_own: bool, here: bool| {
        scene.sessions.iter().any(|session| {
            (session.placa == call.placa) == placa_is_own
                && (session.posto == posto) == here
                && session.inicio <= call.ended
                && session.fim.is_none_or(|fim| call.started <= fim)
        })
    };
    let held = |by_own: bool| {
        scene.timelines.iter().any(|timeline| {
            own(timeline) == by_own && timeline.could_hold(By::Decision, posto, during, interval)
        })
    };
    match call.answer.codigo() {
        "posto_reservado" => held(false) || begins_now && charges(false, true),
        "posto_ja_reservado_para_este_carro" => held(true),
        "posto_indisponivel" | "posto_em_manutencao" => services.could_be_out(posto, during),
        "carro_em_carregamento" => charges(true, false),
        // Of a session that was reported later: another was there, or the first report arrived.
        "carregamento_sobreposto" => scene
            .sessions
            .iter()
            .any(|session| session.posto == posto || session.placa == call.placa),
        // It was cancelled, absent or over, or the carro charges: its last row says so.
        "reserva_encerrada" | "reserva_em_uso" => {
            scene.timelines.iter().any(|timeline| own(timeline) && timeline.row.status != "ativa")
        }
        _ => false,
    }
}

fn listed_wrong(scene: &Scene<'_>, services: &Services, call: &Call) -> Vec<String> {
    let during = (call.started, call.ended);
    let none = Vec::new();
    let postos = call.answer.json["postos"].as_array().unwrap_or(&none);
    let wrong = postos.iter().filter_map(|listed: &Value| {
        let posto = listed["id"].as_i64()?;
        let mut here = scene.sessions.iter().filter(|session| session.posto == posto);
        let problem = if listed["disponivel"] == true {
            // What was reported later was not known then.
            let charging = here.find(|session| {
                let is_over = session.fim.is_some_and(|fim| fim <= call.ended);
                reported(scene.calls, session).is_none()
                    && seen(scene, session).0 <= call.started
                    && !is_over
            });
            let held =
                scene.timelines.iter().find(|timeline| timeline.held(By::Reading, posto, during));
            charging
                .map(|session| format!("{session:?}"))
                .or_else(|| held.map(|timeline| format!("{timeline:?}")))
                .or_else(|| services.is_out(posto, during).then(|| "it is out".to_owned()))
        } else {
            let charging = here.any(|session| {
                session.inicio <= call.ended && call.started <= seen(scene, session).1
            });
            let now = (call.started, call.ended + 1);
            let holds = |timeline: &Timeline| timeline.could_hold(By::Reading, posto, during, now);
            let has_reason = charging
                || scene.timelines.iter().any(holds)
                || services.could_be_out(posto, during);
            (!has_reason).then(|| "nobody holds it".to_owned())
        };
        problem.map(|problem| {
            format!("posto {posto} was listed as {listed} in {during:?}, but {problem}")
        })
    });
    wrong.collect()
}

/// By when the begin and the end of a session were on disk: when they were answered.
fn seen(scene: &Scene<'_>, session: &SessionRow) -> (i64, i64) {
    let answered = |is_meant: fn(&What) -> bool| {
        let answers = scene.calls.iter().filter(|call| {
            is_meant(&call.what)
                && call.answer.is_success()
                && call.answer.json["id"].as_i64() == Some(session.id)
        });
        answers.map(|call| call.ended).min()
    };
    let begun = answered(|what| matches!(what, What::Start { .. }));
    let ended = answered(|what| matches!(what, What::Finish { .. }));
    let unknown_end = || session.fim.map_or(i64::MAX, |fim| fim + UNKNOWN);
    (begun.unwrap_or(session.inicio + UNKNOWN), ended.unwrap_or_else(unknown_end))
}

/// When each failing posto was out of service.
struct Services(Vec<Outage>);

struct Outage {
    posto: i64,
    /// From the first attempt to take it out of service until it certainly was.
    begin: (i64, i64),
    /// The same of its return.
    end: (i64, i64),
}

impl Services {
    fn of(calls: &[Call]) -> Self {
        let mut outages: Vec<Outage> = Vec::new();
        for call in calls {
            let What::Service { posto, works } = call.what else { continue };
            let during = (call.started, call.ended + delay(call));
            let never = (i64::MAX, i64::MAX);
            match outages.iter_mut().find(|outage| outage.posto == posto) {
                None => outages.push(Outage { posto, begin: during, end: never }),
                // Each fails once in a day; an attempt that was not answered is repeated.
                Some(outage) if works => outage.end = (outage.end.0.min(during.0), during.1),
                Some(outage) => outage.begin.1 = during.1,
            }
        }
        Self(outages)
    }

    fn could_be_out(&self, posto: i64, (from, to): (i64, i64)) -> bool {
        let is_so = |outage: &Outage| outage.begin.0 <= to && from <= outage.end.1;
        self.0.iter().any(|outage| outage.posto == posto && is_so(outage))
    }

    fn is_out(&self, posto: i64, (from, to): (i64, i64)) -> bool {
        let is_so = |outage: &Outage| outage.begin.1 <= from && to < outage.end.0;
        self.0.iter().any(|outage| outage.posto == posto && is_so(outage))
    }
}

/// How much later than the end of the call it may have had its effect.
fn delay(call: &Call) -> i64 {
    if call.answer.status == NOT_HEARD { SERVICE_DELAY } else { 0 }
}
