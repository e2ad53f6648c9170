//! Whatever may be asked of a store, in whatever order.

use domain::{
    Correction, Disposition, Kwh, NivelBateria, Rejection, ReportedSession, ReservaChange,
};
use proptest::prelude::*;
use rusqlite::OptionalExtension as _;
use server::store::{
    CarregamentosQuery, ChangeReserva, CorrectCarregamento, FinishCarregamento, ForgetCarro,
    ForgetEnded, ForgettableRows, ForgettingRun, RecordTelemetry, RefusalIds, ReportCarregamento,
    RequestKey, Reserved, SetService, StartCarregamento, WriteError,
};

use crate::store::reserva_support::{MINUTE, patient};
use crate::store::sessions::at;
use crate::support::{START, TestStore, energy, now, placa, reservation, set_now, soon};

pub(crate) const PLATES: [&str; 3] = ["AAA1111", "BBB2222", "CCC3333"];

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Pass(i64),
    Sweep,
    Reopen,
    Reserve(i64, usize, i64, i64),
    Cancel(usize),
    Change(usize, Option<i64>, Option<i64>, Option<i64>),
    Repeat(usize),
    Start(i64, usize),
    Finish(i64, Option<i64>),
    Report(i64, usize, i64, Option<i64>),
    Service(i64, bool, Disposition, bool),
    Charges(usize),
    Forget(usize),
    /// The carro of a reserva began to charge there so many minutes after its begin.
    ReportIn(usize, i64, Option<i64>),
    /// What ended so many minutes ago or before.
    ForgetOld(i64),
    /// The session of this number: it began so many minutes earlier, and gave so much.
    Correct(i64, Option<i64>, Option<f64>),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let posto = || 1..=3i64;
    let carro = || 0..PLATES.len();
    let disposition = proptest::sample::select(Disposition::ALL);
    let begin = prop_oneof![Just(0), -4..60i64];
    let some = |range: std::ops::Range<i64>| proptest::option::of(range);
    prop_oneof![
        4 => (1..40i64).prop_map(Step::Pass),
        1 => (-30..0i64).prop_map(Step::Pass),
        2 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
        6 => (posto(), carro(), begin, 1..90i64).prop_map(|(p, c, f, l)| Step::Reserve(p, c, f, l)),
        1 => (0..20usize).prop_map(Step::Cancel),
        // What has begun may go elsewhere, and end at another time.
        4 => (0..10usize, some(1..5i64), some(-6..120i64)).prop_map(|(i, p, t)| Step::Change(i, p, None, t)),
        2 => (0..20usize, some(1..5i64), some(-6..60i64), some(-6..120i64))
            .prop_map(|(i, p, f, t)| Step::Change(i, p, f, t)),
        2 => (0..40usize).prop_map(Step::Repeat),
        4 => (posto(), carro()).prop_map(|(p, c)| Step::Start(p, c)),
        4 => (posto(), some(0..60i64)).prop_map(|(p, ago)| Step::Finish(p, ago)),
        2 => (posto(), carro(), 0..90i64, some(0..60i64)).prop_map(|(p, c, a, l)| Step::Report(p, c, a, l)),
        2 => (posto(), any::<bool>(), disposition, any::<bool>()).prop_map(|(p, s, h, d)| Step::Service(p, s, h, d)),
        1 => carro().prop_map(Step::Charges),
        1 => carro().prop_map(Step::Forget),
        4 => (0..20usize, -2..20i64, some(1..30i64)).prop_map(|(i, a, l)| Step::ReportIn(i, a, l)),
        1 => (60..240i64).prop_map(Step::ForgetOld),
        2 => (1..12i64, some(1..20i64), proptest::option::of(0.5..5.0))
            .prop_map(|(i, e, kwh)| Step::Correct(i, e, kwh)),
    ]
}

pub(crate) enum Asked {
    Reserve(server::store::Reserve),
    Change(ChangeReserva),
}

pub(crate) struct World {
    pub(crate) store: TestStore,
    pub(crate) minute: i64,
    /// How many were asked for.
    pub(crate) reservas: usize,
    pub(crate) asked: Vec<(Asked, Result<Reserved, Rejection>)>,
    /// All other answers.
    pub(crate) answers: Vec<String>,
}

fn decided<T: std::fmt::Debug>(outcome: Result<T, WriteError>) -> Result<T, Rejection> {
    match outcome {
        Ok(done) => Ok(done),
        Err(WriteError::Rejected(rejection)) => Err(rejection),
        Err(other) => panic!("it failed: {other:?}"),
    }
}

impl World {
    /// At [`START`], with three postos.
    pub(crate) async fn begin() -> Self {
        set_now(START);
        let store = TestStore::with_rules(3, patient()).await;
        Self { store, minute: 0, reservas: 0, asked: Vec::new(), answers: Vec::new() }
    }

    pub(crate) async fn play(mut self, step: Step) -> Self {
        let store = &self.store.store;
        match step {
            Step::Pass(minutes) => {
                self.minute += minutes;
                set_now(START + self.minute * MINUTE);
            }
            Step::Sweep => decided(store.sweep().await).expect("a sweep"),
            Step::Reopen => self.store = self.store.reopen_with(patient()).await,
            Step::Reserve(posto, carro, from, length) => {
                let mut command =
                    reservation(&format!("r{}", self.reservas), PLATES[carro], posto, None);
                command.command.interval.inicio = Some(at(self.minute + from));
                command.command.interval.fim = Some(at(self.minute + from + length));
                command.deadline = soon();
                self.reservas += 1;
                let answer = decided(store.execute(command.clone()).await);
                self.asked.push((Asked::Reserve(command), answer));
            }
            Step::Cancel(index) => {
                let answer = decided(self.store.cancel(&format!("r{index}")).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::Change(index, posto_id, from, to) => {
                let change = ReservaChange {
                    posto_id,
                    inicio: from.map(|from| at(self.minute + from)),
                    fim: to.map(|to| at(self.minute + to)),
                };
                let command = ChangeReserva {
                    key: RequestKey {
                        request_id: format!("c{}", self.asked.len()),
                        fingerprint: [1; 16],
                        app: None,
                    },
                    reserva_request_id: format!("r{index}"),
                    change,
                    deadline: soon(),
                };
                // What time has done is not what the change does.
                decided(store.sweep().await).expect("a sweep");
                let price = format!("UPDATE postos SET preco_kwh = {}", 1 + self.asked.len() % 7);
                self.store.execute_sql(&price);
                let before = self.waits_until(index);
                let answer = decided(store.execute(command.clone()).await);
                if let (Some(before), Ok(_)) = (before, &answer) {
                    let after = self.waits_until(index);
                    let is_there = after.is_none() && !self.is_active(index);
                    assert!(is_there || after.is_some_and(|after| after <= before), "{command:?}");
                }
                self.asked.push((Asked::Change(command), answer));
            }
            Step::Repeat(index) => {
                let Some((asked, first)) = self.asked.get(index) else { return self };
                let again = match asked {
                    Asked::Reserve(command) => decided(store.execute(command.clone()).await),
                    Asked::Change(command) => decided(store.execute(command.clone()).await),
                };
                let kept = match &again {
                    Err(Rejection::ReservaInexistente { .. }) => true,
                    _ => &again == first,
                };
                assert!(kept, "{again:?} and not {first:?}");
            }
            Step::Start(posto_id, carro) => {
                let start = StartCarregamento { posto_id, placa: placa(PLATES[carro]) };
                let answer = decided(store.execute(start).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::Finish(posto_id, ago) => {
                let query = CarregamentosQuery {
                    posto_id: Some(posto_id),
                    limit: 100,
                    ..CarregamentosQuery::default()
                };
                let sessions = store.carregamentos(&query, now()).await.expect("a read");
                let Some(open) = sessions.iter().find(|session| session.finished.is_none()) else {
                    return self;
                };
                let fim = ago.map(|ago| at(self.minute - ago));
                let (id, energy) = (open.id, energy(1.0));
                let answer =
                    decided(store.execute(FinishCarregamento { posto_id, id, energy, fim }).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::Report(posto_id, carro, ago, length) => {
                let inicio = at(self.minute - ago);
                let ended = length.map(|length| (at(self.minute - ago + length), energy(1.0)));
                let session = ReportedSession { inicio, ended };
                let placa = placa(PLATES[carro]);
                let answer =
                    decided(store.execute(ReportCarregamento { posto_id, placa, session }).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::Service(posto_id, in_service, disposition, simulate) => {
                let until = None;
                let em_manutencao = None;
                let set = SetService {
                    posto_id,
                    in_service,
                    em_manutencao,
                    disposition,
                    until,
                    simulate,
                };
                let answer = decided(store.execute(set).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::Charges(carro) => {
                let report = RecordTelemetry {
                    placa: placa(PLATES[carro]),
                    nivel_bateria: NivelBateria::new(30.0).expect("a level"),
                    taxa_descarga: None,
                    em_carregamento: Some(true),
                };
                let answer = decided(store.execute(report).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::Forget(carro) => {
                let placa = placa(PLATES[carro]);
                let refusals = RefusalIds::default();
                let answer = decided(store.execute(ForgetCarro { placa, refusals }).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::ReportIn(index, after, length) => {
                let outcome = store.request_outcome(&format!("r{index}"), None, now()).await;
                let reserva = outcome.expect("a read").and_then(|outcome| outcome.current);
                let Some(reserva) = reserva.map(|current| current.reserva) else { return self };
                let inicio = reserva.facts.interval.inicio().plus_millis(after * MINUTE);
                let fim = length.map(|length| inicio.plus_millis(length * MINUTE));
                let session = ReportedSession { inicio, ended: fim.map(|fim| (fim, energy(1.0))) };
                let (posto_id, placa) = (reserva.posto_id, reserva.placa);
                let report = ReportCarregamento { posto_id, placa, session };
                let answer = decided(store.execute(report).await);
                self.answers.push(format!("{answer:?}"));
            }
            Step::ForgetOld(minutes) => {
                let cutoff = at(self.minute - minutes);
                let (mut ended, mut run) = (ForgettableRows::default(), ForgettingRun::default());
                loop {
                    ended = store.ended(cutoff, &ended).await.expect("a read");
                    if ended.is_empty() {
                        break;
                    }
                    let command = ForgetEnded { cutoff, ended: ended.clone(), run };
                    run = decided(store.execute(command).await).expect("it forgets");
                }
                self.answers.push(format!("{:?}", run.forgotten));
            }
            Step::Correct(id, earlier, kwh) => {
                let query = CarregamentosQuery { limit: 100, ..CarregamentosQuery::default() };
                let sessions = store.carregamentos(&query, now()).await.expect("a read");
                let session = sessions.iter().find(|session| session.id == id);
                let inicio = session
                    .zip(earlier)
                    .map(|(session, earlier)| session.inicio.plus_millis(-earlier * MINUTE));
                let energia_fornecida = kwh.map(|kwh| Kwh::new(kwh).expect("energy"));
                let correction =
                    Correction { inicio, fim: None, energia_fornecida, confirmado: true };
                let answer = decided(store.execute(CorrectCarregamento { id, correction }).await);
                self.answers.push(format!("{answer:?}"));
            }
        }
        self
    }

    /// When the absence of a reserva that has begun is due, in milliseconds.
    fn waits_until(&self, index: usize) -> Option<i64> {
        let file = rusqlite::Connection::open(self.store.path()).expect("the file");
        let sql = "SELECT falta_em FROM reservas WHERE request_id = ?1 AND inicio <= ?2";
        let parameters = rusqlite::params![format!("r{index}"), now().as_millis()];
        file.query_row(sql, parameters, |row| row.get(0)).optional().expect("a query").flatten()
    }

    fn is_active(&self, index: usize) -> bool {
        let file = rusqlite::Connection::open(self.store.path()).expect("the file");
        let sql = "SELECT status = 'ativa' FROM reservas WHERE request_id = ?1";
        file.query_row(sql, [format!("r{index}")], |row| row.get(0)).expect("a query")
    }
}
