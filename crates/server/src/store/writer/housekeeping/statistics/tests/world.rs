//! A store in which random histories happen, and the record of everything that did.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{Kw, Localizacao, Moment, Nome, Posto, Price, Rejection, Rules, TipoConector};
use tokio::sync::mpsc;

use super::reference::{Reference, SeenReserva, SeenSession, Use};
use crate::store::{
    CancelReserva, CarregamentosQuery, Change, CreatePosto, Environment, ForgetCharger,
    ReservasQuery, Reserve, Store, StoreCloser, WriteCommand, WriteError,
};

pub(super) const MINUTE: i64 = 60_000;
/// 2026-01-31T21:00:00Z, three hours before a month ends.
pub(super) const START: i64 = 1_769_893_200_000;
/// So often something must be written, or the servidor stands still.
const BEAT: usize = 10_000;

pub(super) struct World {
    pub(super) store: Store,
    pub(super) reference: Reference,
    closer: StoreCloser,
    clock: Arc<AtomicI64>,
    changes: mpsc::Receiver<Vec<Change>>,
    _folder: tempfile::TempDir,
    pub(super) requests: Vec<Reserve>,
    /// With whether the answer is stored as a refusal.
    pub(super) cancellations: Vec<(CancelReserva, bool)>,
    /// Ids of the reservas, in the order of their requests.
    pub(super) made: Vec<(String, i64)>,
}

/// In centavos, half a centavo up.
pub(super) fn cost(wh: i64, price: i64) -> i64 {
    (wh * price + 500) / 1000
}

fn posto(number: i64) -> Posto {
    Posto {
        nome: Nome::new(&format!("Ponto {number}")).expect("a name"),
        localizacao: Localizacao::new("-23.5540,-46.6370").expect("a place"),
        potencia_maxima: Kw::new(22.0).expect("power"),
        tipo_conector: TipoConector::default(),
        preco_kwh: Price::new(2.5).expect("a price"),
        in_service: true,
        em_manutencao: false,
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&clock);
        let now = Arc::new(move || Moment::from_millis(read.load(Ordering::Relaxed)));
        let (sender, changes) = mpsc::channel(64);
        let rules = Rules { tolerancia: Duration::from_secs(15 * 60), ..Rules::default() };
        let server_id = "server1".to_owned();
        let environment = Environment { server_id, now, rules, changes: sender };
        let folder = tempfile::tempdir().expect("a folder");
        let opened = Store::open(&folder.path().join("server1.db"), environment).await;
        let (store, closer) = opened.expect("the store opens");
        let mut world = Self {
            store,
            reference: Reference::default(),
            closer,
            clock,
            changes,
            _folder: folder,
            requests: Vec::new(),
            cancellations: Vec::new(),
            made: Vec::new(),
        };
        for number in 1..4 {
            let id = world.store.execute(CreatePosto(posto(number))).await.expect("a posto");
            world.reference.postos.insert(id, (format!("Ponto {number}"), false));
        }
        world
    }

    pub(super) async fn close(self) {
        drop(self.store);
        self.closer.close().await.expect("it closes");
    }

    pub(super) fn now(&self) -> Moment {
        Moment::from_millis(self.clock.load(Ordering::Relaxed))
    }

    pub(super) fn in_minutes(&self, minutes: i64) -> Moment {
        self.now().plus_millis(minutes * MINUTE)
    }

    /// What does not count if it is refused.
    pub(super) async fn expect<C: WriteCommand>(&self, command: C) {
        match self.store.execute(command).await {
            Ok(_) | Err(WriteError::Rejected(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn refused(&mut self, posto_id: i64, rejection: Rejection) {
        let is_there = self.reference.postos.get(&posto_id).is_some_and(|(_, removed)| !removed);
        let now = self.now().as_millis();
        self.reference.refusals.push((now, is_there.then_some(posto_id), rejection));
    }

    pub(super) async fn pass_a_minute(&mut self) {
        self.look_at_postos().await;
        let now = self.now().as_millis();
        for moment in (now..now + MINUTE).step_by(BEAT).skip(1).chain([now + MINUTE]) {
            self.clock.store(moment, Ordering::Relaxed);
            self.expect(ForgetCharger { posto_id: 0 }).await;
        }
        self.store.sweep().await.expect("a sweep");
        while self.changes.try_recv().is_ok() {}
        self.look().await;
    }

    /// What each posto is in this minute.
    async fn look_at_postos(&mut self) {
        let now = self.now();
        let ids: Vec<i64> = self.reference.postos.keys().copied().collect();
        for posto in self.store.postos_by_id(&ids, now).await.expect("postos") {
            let states = posto.states;
            let charger = states.carregador_disponivel.unwrap_or(true);
            let service = match states.operador_disponivel && charger {
                _ if posto.em_manutencao => Use::Maintenance,
                true => Use::InService,
                false => Use::OutOfService,
            };
            self.reference.seen.push((now.as_millis(), posto.id, service));
        }
        let query = ReservasQuery { limit: 10_000, ..ReservasQuery::default() };
        for reserva in self.store.reservas(&query, now).await.expect("reservas") {
            if reserva.facts.holds_at(now) {
                self.reference.seen.push((now.as_millis(), reserva.posto_id, Use::Held));
            }
        }
    }

    /// Notes what is stored now.
    pub(super) async fn look(&mut self) {
        let query = ReservasQuery { limit: 10_000, ..ReservasQuery::default() };
        for reserva in self.store.reservas(&query, self.now()).await.expect("reservas") {
            let seen = SeenReserva {
                posto_id: reserva.posto_id,
                made: reserva.created_at.as_millis(),
                state: reserva.facts.state,
                motivo: reserva.facts.motivo,
                desde: reserva.facts.desde.as_millis(),
            };
            self.reference.reservas.insert(reserva.id, seen);
        }
        let query = CarregamentosQuery { limit: 10_000, ..CarregamentosQuery::default() };
        for session in self.store.carregamentos(&query, self.now()).await.expect("sessions") {
            let price = (session.preco_kwh.get() * 100.0).round() as i64;
            let ended = session.finished.map(|end| {
                let wh = (end.energia_fornecida.get() * 1000.0).round() as i64;
                (end.fim.as_millis(), wh, cost(wh, price))
            });
            let (posto_id, inicio) = (session.posto_id, session.inicio.as_millis());
            let seen = SeenSession { posto_id, inicio, ended };
            self.reference.sessions.insert(session.id, seen);
        }
    }
}
