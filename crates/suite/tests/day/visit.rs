//! One visit of one driver: what the plan means, and what the system lets happen.

use reqwest::Method;
use serde_json::{Value, json};

use super::clock::{read, written};
use super::plan::MINUTE;
use super::site::{Answer, Request, SERVER, Site, What, kilo};
use super::steps::Steps;
use super::trips::{Change, Trip};

/// How often a driver tries again to charge at a posto that is not free, once in each cell of the grid.
const MAX_TRIES: usize = 5;
/// A start that is later than planned by more than this moves the end.
const LATE: i64 = MINUTE;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Ask,
    Cancel,
    Change,
    Come,
    Leave,
    Report,
}

pub(crate) struct Visit {
    pub(crate) trip: Trip,
    grid: i64,
    pub(crate) steps: Steps<Step>,
    reserved: Option<Reserved>,
    session: Option<Session>,
    tries: usize,
}

/// As the driver knows it.
#[derive(Debug, Clone)]
struct Reserved {
    request_id: String,
    posto: i64,
    inicio: i64,
    fim: i64,
}

struct Session {
    posto: i64,
    /// `None` while the servidor does not know of it.
    id: Option<i64>,
    inicio: i64,
}

impl Visit {
    pub(crate) fn new(trip: Trip, grid: i64) -> Self {
        let mut steps = Steps::default();
        match (&trip.reservation, trip.comes) {
            (Some(reservation), _) => steps.add(reservation.asks, Step::Ask),
            (None, Some(comes)) => steps.add(comes, Step::Come),
            (None, None) => {}
        }
        Self { trip, grid, steps, reserved: None, session: None, tries: 0 }
    }

    /// Does what is next, which is planned for `at`.
    pub(crate) async fn play(&mut self, site: &Site, at: i64, step: Step) {
        match step {
            Step::Ask => self.ask(site).await,
            Step::Cancel => self.cancel(site).await,
            Step::Change => self.change(site, at).await,
            Step::Come => self.come(site, at).await,
            Step::Leave => self.leave(site).await,
            Step::Report => self.report(site).await,
        }
    }

    async fn ask(&mut self, site: &Site) {
        let Some(reservation) = self.trip.reservation.clone() else { return };
        if reservation.estimates {
            let what = What::Estimate { posto: self.trip.postos[0] };
            let body = self.body(self.trip.postos[0], None);
            self.gateway(site, what, Method::POST, "/estimativa", Some(body), None).await;
        }
        let interval = (site.begin + reservation.inicio, site.begin + reservation.fim);
        for posto in self.trip.postos.clone() {
            let what = What::Reserve { posto, inicio: interval.0, fim: interval.1 };
            let body = self.body(posto, Some(interval));
            let key = format!("reservation-{:05}-{posto:02}", self.trip.number);
            let path = "/reservar";
            let answer = self.gateway(site, what, Method::POST, path, Some(body), Some(key)).await;
            if answer.status == 200 {
                self.reserved = reserved(&answer.json);
                break;
            }
        }
        if self.reserved.is_none() {
            return;
        }
        for (at, step) in [
            (reservation.cancels, Step::Cancel),
            (reservation.change.map(|(at, _)| at), Step::Change),
            (self.trip.comes, Step::Come),
        ] {
            if let Some(at) = at {
                self.steps.add(at, step);
            }
        }
    }

    fn body(&self, posto: i64, interval: Option<(i64, i64)>) -> Value {
        let Trip { placa, carro, level, .. } = &self.trip;
        let mut body = json!({
            "placa": placa, "modelo": carro.modelo, "capacidade_bateria": kilo(carro.capacity),
            "nivel_bateria_atual": kilo(*level), "taxa_descarga": kilo(carro.consumption),
            "posto_id": posto, "server_id": SERVER,
        });
        if let Some((inicio, fim)) = interval {
            body["inicio"] = json!(written(inicio));
            body["fim"] = json!(written(fim));
        }
        body
    }

    async fn cancel(&mut self, site: &Site) {
        let Some(Reserved { request_id, .. }) = &self.reserved else { return };
        let path = format!("/reservas/{request_id}/cancelar?server_id={SERVER}");
        let answer = self.gateway(site, What::Cancel, Method::POST, &path, None, None).await;
        if answer.is_success() {
            self.steps.clear();
        }
    }

    async fn change(&mut self, site: &Site, at: i64) {
        let Some(Reserved { request_id, posto, inicio, fim }) = self.reserved.clone() else {
            return;
        };
        let Some((_, change)) = self.trip.reservation.as_ref().and_then(|r| r.change) else {
            return;
        };
        let (had, later) = ((posto, inicio, fim), 3 * self.grid);
        let shorter = inicio + ((fim - inicio) / 2 / self.grid * self.grid).max(self.grid);
        let other = self.trip.postos.iter().copied().find(|other| *other != posto);
        let (wanted, body) = match change {
            Change::Longer => ((posto, inicio, fim + later), json!({"fim": written(fim + later)})),
            Change::Shorter => ((posto, inicio, shorter), json!({"fim": written(shorter)})),
            Change::Later => (
                (posto, inicio + later, fim + later),
                json!({"inicio": written(inicio + later), "fim": written(fim + later)}),
            ),
            Change::OtherPosto => {
                let Some(other) = other else { return };
                ((other, inicio, fim), json!({"posto_id": other}))
            }
        };
        let (posto, inicio, fim) = wanted;
        let what = What::Change { posto, inicio, fim, had, reserva: request_id.clone() };
        let path = format!("/reservas/{request_id}?server_id={SERVER}");
        let key = Some(format!("change-{:05}-{at:09}", self.trip.number));
        let answer = self.gateway(site, what, Method::PATCH, &path, Some(body), key).await;
        if answer.status == 200 {
            self.reserved = reserved(&answer.json).map(|new| Reserved { request_id, ..new });
            if change == Change::Later {
                self.steps.move_by(Step::Come, later);
            }
        }
    }

    /// Asks where the reserva is now: its posto may have been changed by the operator.
    async fn come(&mut self, site: &Site, at: i64) {
        let posto = match &self.reserved {
            Some(Reserved { request_id, posto, .. }) => {
                let (posto, path) = (*posto, format!("/reservas/{request_id}?server_id={SERVER}"));
                let answer =
                    self.gateway(site, What::Consult, Method::GET, &path, None, None).await;
                Some(answer.json["reserva"]["posto_id"].as_i64().unwrap_or(posto))
            }
            None => self.find_free(site).await,
        };
        let Some(posto) = posto else { return };
        if self.trip.reported_later {
            let inicio = site.begin + at;
            self.session = Some(Session { posto, id: None, inicio });
            self.steps.add(at + self.trip.stays, Step::Report);
            return;
        }
        let body = json!({"placa": self.trip.placa});
        let path = format!("/postos/{posto}/carregamentos");
        let answer = self.admin(site, What::Start { posto }, Method::POST, &path, body).await;
        if answer.is_success() {
            let began = read(&answer.json["inicio"]).unwrap_or(site.begin + at);
            let delay = Some(began - site.begin - at).filter(|delay| *delay > LATE);
            let id = answer.json["id"].as_i64();
            self.session = Some(Session { posto, id, inicio: began });
            self.steps.add(at + delay.unwrap_or(0) + self.trip.stays, Step::Leave);
        } else if answer.status == 409 && self.tries < MAX_TRIES {
            self.tries += 1;
            self.steps.add(at + self.grid, Step::Come);
        }
    }

    /// A posto of the wanted kind that the listing says is free.
    async fn find_free(&self, site: &Site) -> Option<i64> {
        let path = format!("/postos?server_id={SERVER}&disponivel=true");
        let answer = self.gateway(site, What::List, Method::GET, &path, None, None).await;
        let listed = answer.json["postos"].as_array()?;
        let is_free = |id: &i64| listed.iter().any(|posto| posto["id"].as_i64() == Some(*id));
        self.trip.postos.iter().copied().find(is_free)
    }

    async fn leave(&mut self, site: &Site) {
        let Some(Session { posto, id: Some(id), .. }) = self.session.take() else { return };
        let energy = self.trip.energy;
        let body = json!({"energia_fornecida": kilo(energy)});
        let path = format!("/postos/{posto}/carregamentos/{id}");
        self.admin(site, What::Finish { energy }, Method::PUT, &path, body).await;
    }

    async fn report(&mut self, site: &Site) {
        let Some(Session { posto, inicio, .. }) = self.session.take() else { return };
        let energy = self.trip.energy;
        let body = json!({
            "placa": self.trip.placa, "inicio": written(inicio),
            "fim": written(inicio + self.trip.stays), "energia_fornecida": kilo(energy),
        });
        let path = format!("/postos/{posto}/carregamentos");
        let what = What::Report { posto, energy };
        self.admin(site, what, Method::POST, &path, body).await;
    }

    async fn gateway(
        &self,
        site: &Site,
        what: What,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<String>,
    ) -> Answer {
        let (placa, path) = (self.trip.placa.as_str(), path.to_owned());
        let trip = Some(self.trip.number);
        let request = Request { placa, trip, what, method, path, body, key, admin: false };
        site.settle(request).await
    }

    async fn admin(
        &self,
        site: &Site,
        what: What,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let (placa, path) = (self.trip.placa.as_str(), path.to_owned());
        let (trip, body) = (Some(self.trip.number), Some(body));
        let request = Request { placa, trip, what, method, path, body, key: None, admin: true };
        site.settle(request).await
    }
}

fn reserved(json: &Value) -> Option<Reserved> {
    let reserva = &json["reserva"];
    Some(Reserved {
        request_id: json["request_id"].as_str()?.to_owned(),
        posto: reserva["posto_id"].as_i64()?,
        inicio: read(&reserva["inicio"])?,
        fim: read(&reserva["fim"])?,
    })
}
