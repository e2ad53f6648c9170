//! The form that reserves a posto.

use protocol::{BadMessage, FieldError, ReservarBody, Timestamp, read_body};
use serde_json::{Map, Value};
use service::{Language, PageForm};

use super::form_key::shown_key;
use super::format;
use super::typed;

/// What a page sends for a carro whose `modelo` was left empty.
const UNKNOWN_MODELO: &str = "Não informado";
/// Typical values of a carro, in kWh and kWh per km.
pub(super) const TYPICAL_CAPACITY: f64 = 44.5;
pub(super) const TYPICAL_LEVEL: f64 = TYPICAL_CAPACITY / 2.0;
pub(super) const TYPICAL_CONSUMPTION: f64 = 0.19;
/// What can be chosen, in minutes.
pub(super) const DURATIONS: [i64; 6] = [30, 60, 120, 240, 480, 1440];
const DEFAULT_DURATION: i64 = 60;
/// What a request consists of, besides its servidor.
pub(super) const TYPED: [&str; 9] = [
    "posto_id",
    "placa",
    "modelo",
    "capacidade_bateria",
    "nivel_bateria_atual",
    "taxa_descarga",
    "duracao",
    "inicio",
    "fim",
];
const MINUTE: i64 = 60_000;

/// What the fields show.
pub(super) struct ReserveValues {
    pub(super) chave: String,
    pub(super) placa: String,
    pub(super) modelo: String,
    pub(super) capacidade_bateria: String,
    pub(super) nivel_bateria_atual: String,
    pub(super) taxa_descarga: String,
    pub(super) duracao: String,
    pub(super) inicio: String,
    pub(super) fim: String,
}

impl ReserveValues {
    /// Of a form that is filled in for the first time.
    pub(super) fn new(language: Language) -> Self {
        let typical = |value| Self::typical(value, language);
        Self {
            chave: shown_key(None),
            placa: String::new(),
            modelo: String::new(),
            capacidade_bateria: typical(TYPICAL_CAPACITY),
            nivel_bateria_atual: typical(TYPICAL_LEVEL),
            taxa_descarga: typical(TYPICAL_CONSUMPTION),
            duracao: DEFAULT_DURATION.to_string(),
            inicio: String::new(),
            fim: String::new(),
        }
    }

    pub(super) fn typical(value: f64, language: Language) -> String {
        language.number(value, 0, 3)
    }

    /// As they were sent.
    pub(super) fn sent(form: &PageForm, may_be_done: bool) -> Self {
        let value = |name| form.get(name).to_owned();
        Self {
            chave: shown_key(Some((form, may_be_done))),
            placa: value("placa"),
            modelo: value("modelo"),
            capacidade_bateria: value("capacidade_bateria"),
            nivel_bateria_atual: value("nivel_bateria_atual"),
            taxa_descarga: value("taxa_descarga"),
            duracao: value("duracao"),
            inicio: value("inicio"),
            fim: value("fim"),
        }
    }

    pub(super) fn is_duration(&self, minutes: &i64) -> bool {
        self.duracao == minutes.to_string()
    }
}

const CAPACITY: &str = "capacidade_bateria";
const LEVEL: &str = "nivel_bateria_atual";
const CONSUMPTION: &str = "taxa_descarga";
/// Fields that are numbers, in decimals.
const NUMBERS: [&str; 3] = [CAPACITY, LEVEL, CONSUMPTION];

/// The body of `POST /reservar` that a form stands for, so that its rules are those of the API.
///
/// # Errors
/// All wrong fields.
pub(super) fn body_of(
    form: &PageForm,
    language: Language,
    now: Timestamp,
) -> Result<ReservarBody, Vec<FieldError>> {
    let mut fields = Map::new();
    let mut put = |name: &str, read: &dyn Fn(&str) -> Value| {
        let typed = form.get(name);
        if !typed.is_empty() {
            fields.insert(name.to_owned(), read(typed));
        }
    };
    let decimal = |text: &str| typed::decimal(text, language);
    put("placa", &|text| text.into());
    put("modelo", &|text| text.into());
    put("server_id", &|text| text.into());
    put("posto_id", &typed::integer);
    put(CAPACITY, &decimal);
    put(CONSUMPTION, &decimal);
    put(LEVEL, &|text| level(text, &decimal(form.get(CAPACITY)), language));
    put("inicio", &|text| format::of_local_input(text).into());
    put("fim", &|text| format::of_local_input(text).into());
    fields.entry("modelo").or_insert_with(|| UNKNOWN_MODELO.into());
    let could_be_two = |name: &str| typed::could_be_two(form.get(name), language);
    let ambiguous: Vec<_> = NUMBERS.into_iter().filter(|name| could_be_two(name)).collect();
    let mut wrong: Vec<_> = ambiguous.iter().map(|name| two_numbers(name)).collect();
    if !fields.contains_key("fim") {
        match end(fields.get("inicio"), form.get("duracao"), now) {
            Ok(fim) => drop(fim.map(|fim| fields.insert("fim".to_owned(), fim.to_string().into()))),
            Err(error) => wrong.push(error),
        }
    }
    let json = Value::Object(fields).to_string();
    match read_body(json.as_bytes()).map_err(BadMessage::campos) {
        Ok(body) if wrong.is_empty() => Ok(body),
        Ok(_) => Err(wrong),
        Err(mut campos) => {
            // To the reader of the body they are texts.
            campos.retain(|one| !ambiguous.contains(&one.campo.as_str()));
            campos.append(&mut wrong);
            Err(campos)
        }
    }
}

/// The level that a form says, in kWh: it may be typed as a part of the capacity (`50%`), and the typical
/// one is that of the typical battery, of another one half. As the module of the page reads it.
fn level(text: &str, capacity: &Value, language: Language) -> Value {
    let typed = typed::decimal(text, language);
    let Some(capacity) = capacity.as_f64() else { return typed };
    let percent = text.strip_suffix('%').map(|part| typed::decimal(part.trim_end(), language));
    let share = match percent {
        Some(percent) => percent.as_f64().map(|percent| percent / 100.0),
        None => (typed.as_f64() == Some(TYPICAL_LEVEL)).then_some(0.5),
    };
    share.map_or(typed, |share| (capacity * share).into())
}

fn two_numbers(name: &str) -> FieldError {
    FieldError::new(name, "pode ser lido de dois modos: escreva o número sem separador de milhar")
}

/// The end of a reserva that lasts so many minutes; `None` if its `inicio` is wrong. One that begins
/// now ends at a whole minute, so that a form that is sent twice asks for the same twice.
fn end(
    inicio: Option<&Value>,
    duracao: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, FieldError> {
    let minutes = match duracao {
        "" => DEFAULT_DURATION,
        text => {
            text.parse().ok().filter(|minutes| DURATIONS.contains(minutes)).ok_or_else(|| {
                let mensagem = format!("deve ser uma destas durações, em minutos: {DURATIONS:?}");
                FieldError::new("duracao", mensagem)
            })?
        }
    };
    let millis = match inicio.and_then(Value::as_str) {
        None => Some((now.as_millis() + MINUTE - 1) / MINUTE * MINUTE),
        Some(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_millis),
    };
    Ok(millis.map(|millis| Timestamp::clamped(millis + minutes * MINUTE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILLED: [(&str, &str); 6] = [
        ("placa", "abc-1d23"),
        ("server_id", "server1"),
        ("posto_id", "5"),
        ("capacidade_bateria", "44,5"),
        ("nivel_bateria_atual", "22.3"),
        ("taxa_descarga", "0,19"),
    ];

    fn form(more: &[(&'static str, &'static str)]) -> PageForm {
        let mut query = form_urlencoded::Serializer::new(String::from("/?"));
        // The first of two is the one that counts.
        query.extend_pairs(more).extend_pairs(FILLED);
        PageForm::of_query(&query.finish().parse().expect("a path"))
    }

    fn now() -> Timestamp {
        "2026-11-28T12:00:30.500Z".parse().expect("a time")
    }

    fn period(more: &[(&'static str, &'static str)]) -> (Option<String>, Option<String>) {
        let body = body_of(&form(more), Language::Portuguese, now()).expect("a body").interval;
        let text = |moment| Timestamp::from(moment).to_string();
        (body.inicio.map(text), body.fim.map(text))
    }

    fn wrong(more: &[(&'static str, &'static str)]) -> Vec<String> {
        let wrong = body_of(&form(more), Language::Portuguese, now()).expect_err("it is refused");
        wrong.into_iter().map(|wrong| wrong.campo).collect()
    }

    #[test]
    fn a_form_asks_for_what_the_api_takes() {
        let body = body_of(&form(&[]), Language::Portuguese, now()).expect("a body");
        assert_eq!(body.carro.placa.as_str(), "ABC1D23");
        assert_eq!(body.carro.modelo.as_str(), UNKNOWN_MODELO);
        assert_eq!((body.server_id.as_str(), body.posto_id.get()), ("server1", 5));
        let (start, end) = (None, |text: &str| Some(text.to_owned()));
        assert_eq!(period(&[]), (start.clone(), end("2026-11-28T13:01:00.000Z")));
        assert_eq!(period(&[("duracao", "30")]), (start.clone(), end("2026-11-28T12:31:00.000Z")));
        let fim = ("fim", "2026-11-28T18:00");
        assert_eq!(period(&[fim]), (start, end("2026-11-28T21:00:00.000Z")));
        let inicio = ("inicio", "2026-11-28T15:30");
        let (start, two) = (end("2026-11-28T18:30:00.000Z"), ("duracao", "120"));
        assert_eq!(period(&[inicio, two]), (start.clone(), end("2026-11-28T20:30:00.000Z")));
        assert_eq!(period(&[inicio, fim]), (start, end("2026-11-28T21:00:00.000Z")));
    }

    #[test]
    fn a_level_is_in_kwh_or_a_part_of_the_capacity() {
        for (capacity, level, kwh) in [
            ("44,5", "22,25", 22.25),
            ("44,5", "30", 30.0),
            ("18,3", "22,25", 9.15),
            ("18,3", "9,5", 9.5),
            ("60", "50%", 30.0),
            ("60", "12,5 %", 7.5),
            ("60", "0%", 0.0),
        ] {
            let typed = [("capacidade_bateria", capacity), ("nivel_bateria_atual", level)];
            let body = body_of(&form(&typed), Language::Portuguese, now()).expect("a body");
            assert_eq!(body.carro.nivel_bateria_atual.get(), kwh, "{level} of {capacity}");
        }
        for level in ["101%", "meia%", "%", "5%0"] {
            let wrong = wrong(&[("nivel_bateria_atual", level)]);
            assert_eq!(wrong, ["nivel_bateria_atual"], "{level}");
        }
    }

    #[test]
    fn all_wrong_fields_are_named() {
        assert_eq!(wrong(&[("duracao", "31")]), ["duracao"]);
        assert_eq!(wrong(&[("inicio", "amanhã")]), ["inicio"]);
        assert_eq!(wrong(&[("taxa_descarga", "pouco"), ("posto_id", "x")]).len(), 2);
        let all = body_of(
            &PageForm::from([("duracao", "x"), ("inicio", "y")]),
            Language::Portuguese,
            now(),
        )
        .err();
        let mut all: Vec<_> = all.expect("refused").into_iter().map(|wrong| wrong.campo).collect();
        all.sort_unstable();
        assert_eq!(
            all,
            [
                "capacidade_bateria",
                "duracao",
                "inicio",
                "nivel_bateria_atual",
                "placa",
                "posto_id",
                "server_id",
                "taxa_descarga"
            ]
        );
    }
}
