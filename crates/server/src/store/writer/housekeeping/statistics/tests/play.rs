//! One step of a history after the other.

use std::time::Duration;

use domain::{
    CapacidadeBateria, Carro, ChargerMessage, Correction, Disposition, Kwh, KwhPerKm, Modelo,
    Moment, NivelBateria, Placa, PostoChange, Price, Rejection, ReportedEnergy, ReportedSession,
    RequestedInterval, ReservaChange, ReservaCommand,
};
use tokio::time::Instant;

use super::archive::{Archive, DeleteRefusals};
use super::steps::{PLATES, Step};
use super::world::{MINUTE, World};
use crate::store::{
    CancelReserva, CancelTarget, ChangePosto, ChangeReserva, ChargerSource, CorrectCarregamento,
    FinishCarregamento, ForgetCarro, ForgetCharger, RecordChargerMessage, RemovePosto,
    ReportCarregamento, RequestKey, Reserve, SetService, StartCarregamento, WriteError,
};

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

fn key(request_id: String, number: u128) -> RequestKey {
    RequestKey { request_id, fingerprint: number.to_be_bytes(), app: None }
}

impl World {
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
            Step::Service(posto_id, in_service, fixing, disposition) => {
                let em_manutencao = Some(fixing);
                let (until, simulate) = (None, disposition == Disposition::Keep && fixing);
                self.expect(SetService {
                    posto_id,
                    in_service,
                    em_manutencao,
                    disposition,
                    until,
                    simulate,
                })
                .await;
            }
            Step::Charger(posto_id, disponivel) => {
                let (em_manutencao, retained, replayed) = (None, None, false);
                let message = ChargerMessage { disponivel, em_manutencao, retained, replayed };
                let source = ChargerSource { posto_id, direct: false };
                self.expect(RecordChargerMessage { source, message }).await;
            }
            Step::ForgetCharger(posto_id) => self.expect(ForgetCharger { posto_id }).await,
            Step::Price(posto_id, cents) => {
                let preco_kwh = Some(Price::new(cents as f64 / 100.0).expect("a price"));
                let change = PostoChange { preco_kwh, ..PostoChange::default() };
                self.expect(ChangePosto { posto_id, change }).await;
            }
            Step::Remove(posto_id, disposition) => {
                let removal = RemovePosto { posto_id, disposition, simulate: false };
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
            Step::DeleteRefusals => {
                self.expect(DeleteRefusals).await;
                self.cancellations.iter_mut().for_each(|(_, is_stored)| *is_stored = false);
            }
            Step::Archive => {
                self.look().await;
                self.expect(Archive).await;
            }
        }
        self.look().await;
    }

    async fn reserve(&mut self, step: Step) {
        let command = match step {
            Step::Reserve(posto_id, carro, from, length) => {
                let inicio = self.in_minutes(from);
                let fim = inicio.plus_millis(length * MINUTE);
                let number = self.requests.len() as u128;
                let interval = RequestedInterval { inicio: Some(inicio), fim: Some(fim) };
                Reserve {
                    key: key(format!("r{number}"), number),
                    command: ReservaCommand { carro: description(carro), posto_id, interval },
                    client_id: "cliente1".to_owned(),
                    deadline: soon(),
                }
            }
            Step::Repeat(at) => {
                self.repeat_cancellation(at).await;
                if let Some(repeat) = self.requests.get(at).cloned() {
                    // It gets its first answer, which counts once.
                    let is_forgotten =
                        self.store.request_outcome(&repeat.key.request_id, None, self.now());
                    if is_forgotten.await.expect("a read").is_some() {
                        self.expect(repeat).await;
                    }
                }
                return;
            }
            _ => return,
        };
        self.requests.push(command.clone());
        let (request_id, posto_id) = (command.key.request_id.clone(), command.command.posto_id);
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
            self.cancellations.push((command, outcome.is_err()));
            if let Err(WriteError::Rejected(rejection)) = outcome {
                self.refused(0, rejection);
            }
        }
    }

    /// One that was refused is refused again, and counts once. Else it is decided anew: its reserva may
    /// have been forgotten.
    async fn repeat_cancellation(&mut self, at: usize) {
        let Some((command, is_stored)) = self.cancellations.get(at).cloned() else { return };
        let outcome = self.store.execute(command).await;
        if let Err(WriteError::Rejected(rejection)) = outcome
            && !is_stored
        {
            self.cancellations[at].1 = true;
            self.refused(0, rejection);
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
            key: key(format!("c{number}-{at}-{}", self.now().as_millis()), number as u128),
            reserva_request_id: made
                .map_or_else(|| format!("none {at}"), |(request_id, _)| request_id),
            change,
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
        let now = self.now().as_millis();
        let Some((id, session)) = self.reference.sessions.iter().nth(at) else { return };
        let Some((fim, ..)) = session.ended else { return };
        let new = (fim + later * MINUTE).max(session.inicio).min(now);
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

fn description(carro: usize) -> Carro {
    Carro {
        placa: placa(carro),
        modelo: Modelo::new("BYD Dolphin").expect("a model"),
        capacidade_bateria: CapacidadeBateria::new(44.5).expect("a capacity"),
        nivel_bateria_atual: NivelBateria::new(22.3).expect("a level"),
        taxa_descarga: KwhPerKm::new(0.19).expect("consumption"),
    }
}
