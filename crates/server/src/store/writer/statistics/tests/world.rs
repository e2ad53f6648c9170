//! A store in which random histories happen, and the record of everything that did.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::{
    CapacidadeBateria, Carro, ChargerMessage, Correction, Finished, Handling, Kw, Kwh, KwhPerKm,
    Localizacao, Modelo, Moment, NivelBateria, Nome, Placa, Posto, PostoChange, Price, Rejection,
    ReportedEnergy, ReportedSession, RequestedInterval, ReservaChange, ReservaCommand, Rules,
    TipoConector,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::archive::{Archive, CorrectArchived, DeleteRefusals};
use super::reference::{Reference, SeenReserva, SeenSession, Use};
use super::steps::{PLATES, Step};
use crate::store::{
    CancelReserva, CancelTarget, CarregamentosQuery, Change, ChangePosto, ChangeReserva,
    CorrectCarregamento, CreatePosto, Environment, FinishCarregamento, ForgetCarro, ForgetCharger,
    RecordChargerMessage, RemovePosto, ReportCarregamento, ReservasQuery, Reserve, SetService,
    StartCarregamento, Store, StoreCloser, WriteCommand, WriteError,
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
    requests: Vec<Reserve>,
    cancellations: Vec<CancelReserva>,
    /// Ids of the reservas, in the order of their requests.
    made: Vec<(String, i64)>,
}

fn placa(carro: usize) -> Placa {
    Placa::new(PLATES[carro]).expect("a placa")
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn energy(wh: i64) -> ReportedEnergy {
    let energia_fornecida = Kwh::new(wh as f64 / 1000.0).expect("energy");
    ReportedEnergy { energia_fornecida, confirmado: true }
}

/// In centavos, half a centavo up.
fn cost(wh: i64, price: i64) -> i64 {
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

    fn in_minutes(&self, minutes: i64) -> Moment {
        self.now().plus_millis(minutes * MINUTE)
    }

    pub(super) async fn play(&mut self, step: Step) {
        let Self { store, .. } = self;
        match step {
            Step::Pass(minutes) => {
                for _ in 0..minutes {
                    self.pass_a_minute().await;
                }
            }
            Step::Reserve(..) | Step::Repeat(_) => self.reserve(step).await,
            Step::Cancel(_) | Step::CancelById(_) => self.cancel(step).await,
            Step::ChangeEnd(..) | Step::ChangePosto(..) => self.change(step).await,
            Step::Start(posto_id, carro) => {
                self.expect(StartCarregamento { posto_id, placa: placa(carro) }).await;
            }
            Step::Finish(posto_id, ago, wh) => self.finish(posto_id, ago, wh).await,
            Step::Report(posto_id, carro, ago, length, wh) => {
                let inicio = self.in_minutes(-ago);
                let ended = length.map(|length| (inicio.plus_millis(length * MINUTE), energy(wh)));
                let session = ReportedSession { inicio, ended };
                self.expect(ReportCarregamento { posto_id, placa: placa(carro), session }).await;
            }
            Step::Correct(at, wh, later) => self.correct(at, wh, later).await,
            Step::Service(posto_id, in_service, fixing, handling) => {
                let em_manutencao = Some(fixing);
                let (until, simulate) = (None, handling == Handling::Keep && fixing);
                self.expect(SetService {
                    posto_id,
                    in_service,
                    em_manutencao,
                    handling,
                    until,
                    simulate,
                })
                .await;
            }
            Step::Charger(posto_id, disponivel) => {
                let (em_manutencao, retained, replayed) = (None, None, false);
                let message = ChargerMessage { disponivel, em_manutencao, retained, replayed };
                self.expect(RecordChargerMessage { posto_id, direct: false, message }).await;
            }
            Step::ForgetCharger(posto_id) => self.expect(ForgetCharger { posto_id }).await,
            Step::Price(posto_id, cents) => {
                let preco_kwh = Some(Price::new(cents as f64 / 100.0).expect("a price"));
                let change = PostoChange { preco_kwh, ..PostoChange::default() };
                self.expect(ChangePosto { posto_id, change }).await;
            }
            Step::Remove(posto_id, handling) => {
                let removal = RemovePosto { posto_id, handling, simulate: false };
                if store.execute(removal).await.is_ok()
                    && let Some(posto) = self.reference.postos.get_mut(&posto_id)
                {
                    posto.1 = true;
                }
            }
            Step::Forget(carro) => {
                let placa = placa(carro);
                let refusals = store.refusals_of(&placa).await.expect("refusals");
                self.expect(ForgetCarro { placa, refusals }).await;
            }
            Step::DeleteRefusals => self.expect(DeleteRefusals).await,
            Step::Archive => {
                self.look().await;
                let (_, sessions) = self.store.execute(Archive).await.expect("it is archived");
                for id in sessions {
                    self.reference.sessions.get_mut(&id).expect("a session").is_archived = true;
                }
            }
        }
        self.look().await;
    }

    /// What does not count if it is refused.
    async fn expect<C: WriteCommand>(&self, command: C) {
        match self.store.execute(command).await {
            Ok(_) | Err(WriteError::Rejected(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn refused(&mut self, posto_id: i64, rejection: Rejection) {
        let is_there = self.reference.postos.get(&posto_id).is_some_and(|(_, removed)| !removed);
        let now = self.now().as_millis();
        self.reference.refusals.push((now, is_there.then_some(posto_id), rejection));
    }

    async fn reserve(&mut self, step: Step) {
        let command = match step {
            Step::Reserve(posto_id, carro, from, length) => {
                let inicio = self.in_minutes(from);
                let fim = inicio.plus_millis(length * MINUTE);
                let number = self.requests.len() as u128;
                let interval = RequestedInterval { inicio: Some(inicio), fim: Some(fim) };
                Reserve {
                    request_id: format!("r{number}"),
                    fingerprint: number.to_be_bytes(),
                    command: ReservaCommand { carro: description(carro), posto_id, interval },
                    app: None,
                    client_id: None,
                    deadline: soon(),
                }
            }
            Step::Repeat(at) => {
                if let Some(cancellation) = self.cancellations.get(at).cloned() {
                    self.expect(cancellation).await;
                }
                if let Some(repeat) = self.requests.get(at).cloned() {
                    // It gets its first answer, which counts once.
                    let is_forgotten =
                        self.store.request_outcome(&repeat.request_id, None, self.now());
                    if is_forgotten.await.expect("a read").is_some() {
                        self.expect(repeat).await;
                    }
                }
                return;
            }
            _ => return,
        };
        self.requests.push(command.clone());
        let (request_id, posto_id) = (command.request_id.clone(), command.command.posto_id);
        match self.store.execute(command).await {
            Ok(reserved) => self.made.push((request_id, reserved.reserva.id)),
            Err(WriteError::Rejected(rejection)) => self.refused(posto_id, rejection),
            Err(error) => panic!("{error}"),
        }
    }

    async fn cancel(&mut self, step: Step) {
        let target = match step {
            Step::Cancel(at) => {
                // Of one that exists, or of none.
                let made = self.made.get(at).map(|(request_id, _)| request_id.clone());
                let digest = (self.cancellations.len() as u128).to_be_bytes();
                let request_id = made.unwrap_or_else(|| format!("none {at}"));
                CancelTarget::Request { request_id, app: None, digest }
            }
            Step::CancelById(at) => match self.made.get(at) {
                Some((_, id)) => CancelTarget::Id(*id),
                None => return,
            },
            _ => return,
        };
        let command = CancelReserva { target, deadline: soon() };
        let outcome = self.store.execute(command.clone()).await;
        if let CancelTarget::Request { .. } = command.target {
            self.cancellations.push(command);
            if let Err(WriteError::Rejected(rejection)) = outcome {
                self.refused(0, rejection);
            }
        }
    }

    async fn change(&mut self, step: Step) {
        let (at, change) = match step {
            Step::ChangeEnd(at, minutes) => {
                let fim = Some(self.in_minutes(minutes));
                (at, ReservaChange { fim, ..ReservaChange::default() })
            }
            Step::ChangePosto(at, posto_id) => {
                (at, ReservaChange { posto_id: Some(posto_id), ..ReservaChange::default() })
            }
            _ => return,
        };
        let made = self.made.get(at).cloned();
        let reserva = made.as_ref().and_then(|(_, id)| self.reference.reservas.get(id));
        let own_posto = reserva.map_or(0, |reserva| reserva.posto_id);
        let number = self.cancellations.len() + self.reference.refusals.len();
        let command = ChangeReserva {
            request_id: format!("c{number}-{at}-{}", self.now().as_millis()),
            fingerprint: (number as u128).to_be_bytes(),
            reserva_request_id: made
                .map_or_else(|| format!("none {at}"), |(request_id, _)| request_id),
            change,
            app: None,
            deadline: soon(),
        };
        match self.store.execute(command).await {
            Ok(_) => {}
            // No reserva, no posto.
            Err(WriteError::Rejected(rejection @ Rejection::ReservaInexistente { .. })) => {
                self.refused(0, rejection);
            }
            // The same request once more.
            Err(WriteError::Rejected(Rejection::ChaveReutilizada)) => {}
            Err(WriteError::Rejected(rejection)) => {
                self.refused(change.posto_id.unwrap_or(own_posto), rejection);
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn finish(&mut self, posto_id: i64, ago: Option<i64>, wh: i64) {
        let mut open = self.reference.sessions.iter();
        let open = open.find(|(_, one)| one.posto_id == posto_id && one.ended.is_none());
        let Some((id, _)) = open else { return };
        let fim = ago.map(|ago| self.in_minutes(-ago));
        self.expect(FinishCarregamento { posto_id, id: *id, energy: energy(wh), fim }).await;
    }

    async fn correct(&mut self, at: usize, wh: i64, later: i64) {
        let Some((id, session)) = self.reference.sessions.iter_mut().nth(at) else { return };
        let Some((fim, before, paid)) = session.ended else { return };
        let new =
            (fim + later * MINUTE).max(session.inicio).min(self.clock.load(Ordering::Relaxed));
        let end = |fim: i64, wh: i64, cents: i64| Finished {
            fim: Moment::from_millis(fim),
            energia_fornecida: energy(wh).energia_fornecida,
            custo: cents as f64 / 100.0,
        };
        let inicio = Moment::from_millis(session.inicio);
        if session.is_archived {
            let cents = cost(wh, session.price);
            let (before, after) = (end(fim, before, paid), end(new, wh, cents));
            session.ended = Some((new, wh, cents));
            let posto_id = session.posto_id;
            let (before, after) = ((inicio, before), (inicio, after));
            self.expect(CorrectArchived { posto_id, before, after }).await;
        } else {
            let correction = Correction {
                inicio: None,
                fim: Some(Moment::from_millis(new)),
                energia_fornecida: Some(energy(wh).energia_fornecida),
                confirmado: true,
            };
            let id = *id;
            self.expect(CorrectCarregamento { id, correction }).await;
        }
    }

    async fn pass_a_minute(&mut self) {
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
    async fn look(&mut self) {
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
        for session in self.store.carregamentos(&query).await.expect("sessions") {
            let price = (session.preco_kwh.get() * 100.0).round() as i64;
            let ended = session.finished.map(|end| {
                let wh = (end.energia_fornecida.get() * 1000.0).round() as i64;
                (end.fim.as_millis(), wh, cost(wh, price))
            });
            let (posto_id, inicio) = (session.posto_id, session.inicio.as_millis());
            let seen = SeenSession { posto_id, inicio, ended, price, is_archived: false };
            self.reference.sessions.insert(session.id, seen);
        }
    }
}

fn description(carro: usize) -> Carro {
    Carro {
        placa: placa(carro),
        modelo: Modelo::new("BYD Dolphin").expect("a model"),
        capacidade_bateria: CapacidadeBateria::new(44.5).expect("a capacity"),
        nivel_bateria_atual: NivelBateria::new(22.3).expect("a level"),
        taxa_descarga: KwhPerKm::new(0.19).expect("consumption"),
    }
}
