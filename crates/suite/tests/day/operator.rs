//! What the operator and the chargers do, and a look at the list of postos now and then.

use reqwest::Method;
use serde_json::{Value, json};

use super::plan::{Day, Failure, How};
use super::site::{Answer, Request, SERVER, Site, What, kilo};
use super::steps::Steps;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Duty {
    /// By its place in the plan.
    Break(usize),
    Repair(usize),
    Raise(usize),
    Look,
}

pub(crate) struct Operator {
    pub(crate) steps: Steps<Duty>,
}

impl Operator {
    /// Looks at the list once in each cell of the grid.
    pub(crate) fn new(day: &Day) -> Self {
        let mut steps = Steps::default();
        for (number, Failure { at, repaired, .. }) in day.failures.iter().enumerate() {
            steps.add(*at, Duty::Break(number));
            steps.add(*repaired, Duty::Repair(number));
        }
        for (number, change) in day.prices.iter().enumerate() {
            steps.add(change.at, Duty::Raise(number));
        }
        for cell in 0..day.length / day.grid {
            steps.add(cell * day.grid + day.grid / 2, Duty::Look);
        }
        Self { steps }
    }

    pub(crate) async fn play(&self, site: &Site, day: &Day, duty: Duty) {
        match duty {
            Duty::Break(number) => service(site, &day.failures[number], false).await,
            Duty::Repair(number) => service(site, &day.failures[number], true).await,
            Duty::Raise(number) => raise(site, day, day.prices[number].raise).await,
            Duty::Look => {
                let path = format!("/postos?server_id={SERVER}");
                call(site, What::List, Method::GET, path, None, false).await;
            }
        }
    }
}

async fn service(site: &Site, failure: &Failure, works: bool) {
    let Failure { posto, how, repaired, .. } = failure;
    let what = What::Service { posto: *posto, works };
    if *how == How::Charger {
        let event = json!({"server_id": SERVER, "ponto_id": posto, "disponivel": works});
        site.report(*posto, works, &event, what).await;
        return;
    }
    let mut body = json!({"disponivel": works, "em_manutencao": !works});
    if !works {
        body["reservas"] = json!(match how {
            How::Mover => "mover",
            How::Cancelar => "cancelar",
            How::Manter | How::Charger => "manter",
        });
        body["ate"] = json!(site.written(*repaired));
    }
    let path = format!("/postos/{posto}/disponibilidade");
    call(site, what, Method::PUT, path, Some(body), true).await;
}

async fn raise(site: &Site, day: &Day, raise: i64) {
    for posto in &day.postos {
        let price = posto.price + raise;
        let path = format!("/postos/{}", posto.id);
        let what = What::Price { posto: posto.id, price };
        call(site, what, Method::PATCH, path, Some(json!({"preco_kwh": kilo(price)})), true).await;
    }
}

async fn call(
    site: &Site,
    what: What,
    method: Method,
    path: String,
    body: Option<Value>,
    admin: bool,
) -> Answer {
    let request = Request { placa: "", trip: None, what, method, path, body, key: None, admin };
    site.settle(request).await
}
