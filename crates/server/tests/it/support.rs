//! A store on a fresh file, with a clock that the test sets.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

use domain::{
    CapacidadeBateria, Carro, Disposition, Kw, Kwh, KwhPerKm, Localizacao, Modelo, Moment,
    NivelBateria, Nome, Placa, Posto, Price, ReportedEnergy, RequestedInterval, ReservaCommand,
    Rules, TipoConector,
};
use server::store::{
    CancelReserva, CancelTarget, Change, ChargerSource, Clock, Environment, ForgetCharger,
    ImportPostos, RemovePosto, RequestKey, Reserve, Reserved, Store, StoreCloser, WriteError,
};
use tokio::sync::mpsc;

/// 2026-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_767_225_600_000;
pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) changes: mpsc::Receiver<Vec<Change>>,
    pub(crate) folder: tempfile::TempDir,
    closer: StoreCloser,
}

thread_local! {
    // Each test has a thread and so a clock of its own, which its store's writer thread shares.
    static NOW: Arc<AtomicI64> = Arc::new(AtomicI64::new(START));
    static STEP: Arc<AtomicI64> = Arc::default();
    static RUNNING: RefCell<Option<Store>> = const { RefCell::new(None) };
}

/// From now on the store's clock advances by so many milliseconds after each reading.
pub(crate) fn set_clock_step(millis: i64) {
    STEP.with(|step| step.store(millis, Ordering::Relaxed));
}

/// Time passes, or the clock is set back. The store that was opened last runs meanwhile: it has a
/// transaction as often as it must have, to be no servidor that stands still; of long times only during
/// the last day, in which every tolerance ends.
pub(crate) fn set_now(moment: i64) {
    RUNNING.with_borrow(|store| {
        let from = now().as_millis().max(moment - 24 * HOUR);
        for now in (from..moment).step_by(BEAT).chain([moment]) {
            jump_to(now);
            store.iter().for_each(beat);
        }
    });
}

/// The clock is set, or the servidor stands still.
pub(crate) fn jump_to(moment: i64) {
    NOW.with(|now| now.store(moment, Ordering::Relaxed));
}

/// In milliseconds: a servidor that wrote so long ago does not stand still.
const BEAT: usize = 10_000;

/// Waits for a transaction of its own, which writes nothing, where nothing can be awaited.
fn beat(store: &Store) {
    let mut written =
        pin!(tokio::task::unconstrained(store.execute(ForgetCharger { posto_id: 0 })));
    let mut context = Context::from_waker(Waker::noop());
    while written.as_mut().poll(&mut context).is_pending() {
        std::thread::yield_now();
    }
}

pub(crate) fn now() -> Moment {
    Moment::from_millis(NOW.with(|now| now.load(Ordering::Relaxed)))
}

fn clock() -> Clock {
    let (now, step) = (NOW.with(Arc::clone), STEP.with(Arc::clone));
    Arc::new(move || {
        Moment::from_millis(now.fetch_add(step.load(Ordering::Relaxed), Ordering::Relaxed))
    })
}

impl TestStore {
    /// A new file with postos 1 to `postos`.
    pub(crate) async fn new(postos: i64) -> Self {
        Self::with_rules(postos, Rules::default()).await
    }

    /// The same, with other rules.
    pub(crate) async fn with_rules(postos: i64, rules: Rules) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Self::open_with(folder, rules).await;
        let new = (1..=postos).map(|id| (Some(id), posto(&format!("Ponto {id}")))).collect();
        let postos = ImportPostos { new, ..ImportPostos::default() };
        assert_eq!(store.store.execute(postos).await, Ok(true), "the postos are imported");
        store
    }

    /// Opens the file in this folder, or creates it.
    pub(crate) async fn open(folder: tempfile::TempDir) -> Self {
        Self::open_with(folder, Rules::default()).await
    }

    /// The same, with other rules.
    pub(crate) async fn open_with(folder: tempfile::TempDir, rules: Rules) -> Self {
        let (sender, changes) = mpsc::channel(64);
        let environment =
            Environment { server_id: "server1".to_owned(), now: clock(), rules, changes: sender };
        let (store, closer) =
            Store::open(&Self::file(folder.path()), environment).await.expect("the store opens");
        RUNNING.set(Some(store.clone()));
        Self { store, changes, folder, closer }
    }

    /// The database file, in folders that do not exist yet.
    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join("deep/er/server1.db")
    }

    pub(crate) fn path(&self) -> PathBuf {
        Self::file(self.folder.path())
    }

    /// Closes the store and opens the same file again.
    pub(crate) async fn reopen(self) -> Self {
        self.reopen_with(Rules::default()).await
    }

    /// The same, with other rules.
    pub(crate) async fn reopen_with(self, rules: Rules) -> Self {
        let Self { store, folder, closer, .. } = self;
        RUNNING.take();
        drop(store);
        closer.close().await.expect("the store closes");
        Self::open_with(folder, rules).await
    }

    pub(crate) async fn close(self) -> tempfile::TempDir {
        RUNNING.take();
        drop(self.store);
        self.closer.close().await.expect("the store closes");
        self.folder
    }

    pub(crate) async fn reserve(
        &self,
        request_id: &str,
        plate: &str,
        posto_id: i64,
    ) -> Result<Reserved, WriteError> {
        self.store.execute(reservation(request_id, plate, posto_id, None)).await
    }

    pub(crate) async fn reserve_at(
        &self,
        request_id: &str,
        plate: &str,
        hours: (i64, i64),
    ) -> Result<Reserved, WriteError> {
        self.store.execute(reservation(request_id, plate, 1, Some(hours))).await
    }

    pub(crate) async fn cancel(&self, request_id: &str) -> Result<domain::Reserva, WriteError> {
        self.store.execute(cancellation(request_id, soon())).await
    }

    pub(crate) async fn disponivel(&self, posto_id: i64) -> bool {
        let found = self.store.postos_by_id(&[posto_id], now()).await.expect("a listing");
        found.first().expect("the posto").disponivel
    }
}

/// A request of its own each time.
pub(crate) fn cancellation(request_id: &str, deadline: Instant) -> CancelReserva {
    let (request_id, digest) = (request_id.to_owned(), uuid::Uuid::now_v7().into_bytes());
    CancelReserva { target: CancelTarget::Request { request_id, app: None, digest }, deadline }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// Removes a posto that nobody needs.
pub(crate) fn removal(posto_id: i64) -> RemovePosto {
    RemovePosto { posto_id, disposition: Disposition::Keep, simulate: false }
}

pub(crate) fn placa(text: &str) -> Placa {
    Placa::new(text).expect("a placa")
}

/// Energy that counts, however short its session was.
pub(crate) fn energy(kwh: f64) -> ReportedEnergy {
    let energia_fornecida = Kwh::new(kwh).expect("energy");
    ReportedEnergy { energia_fornecida, confirmado: true }
}

pub(crate) fn posto(nome: &str) -> Posto {
    Posto {
        nome: Nome::new(nome).expect("a name"),
        localizacao: Localizacao::new("-23.5540,-46.6370").expect("a place"),
        potencia_maxima: Kw::new(22.0).expect("power"),
        tipo_conector: TipoConector::default(),
        preco_kwh: Price::new(2.5).expect("a price"),
        in_service: true,
        em_manutencao: false,
    }
}

/// The charger of a posto, on the topic of every servidor.
pub(crate) fn charger(posto_id: i64) -> ChargerSource {
    ChargerSource { posto_id, direct: false }
}

/// A reservation; `hours` counts from [`START`].
pub(crate) fn reservation(
    request_id: &str,
    plate: &str,
    posto_id: i64,
    hours: Option<(i64, i64)>,
) -> Reserve {
    let moment = |hour: i64| Moment::from_millis(START + hour * HOUR);
    let (inicio, fim) = hours.map(|(from, to)| (moment(from), moment(to))).unzip();
    let mut fingerprint = [0; 16];
    let content = format!("{plate}{posto_id}");
    let length = content.len().min(16);
    fingerprint[..length].copy_from_slice(&content.as_bytes()[..length]);
    Reserve {
        key: RequestKey { request_id: request_id.to_owned(), fingerprint, app: None },
        command: ReservaCommand {
            carro: Carro {
                placa: placa(plate),
                modelo: Modelo::new("BYD Dolphin").expect("a model"),
                capacidade_bateria: CapacidadeBateria::new(44.5).expect("a capacity"),
                nivel_bateria_atual: NivelBateria::new(22.3).expect("a level"),
                taxa_descarga: KwhPerKm::new(0.19).expect("consumption"),
            },
            posto_id,
            interval: RequestedInterval { inicio, fim },
        },
        client_id: "cliente1".to_owned(),
        deadline: soon(),
    }
}
