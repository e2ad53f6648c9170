//! The texts of the pages, one file for each language.

use serde::Deserialize;
use serde_json::Value;
use service::json_in_page;

/// One language.
pub(super) struct Texts {
    pub(super) page: PageTexts,
    /// Those of the modules, as JSON that can be inside of a script element.
    pub(super) script: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    page: PageTexts,
    script: Value,
}

impl Texts {
    pub(super) fn read(json: &str) -> Result<Self, serde_json::Error> {
        let File { page, script } = serde_json::from_str(json)?;
        Ok(Self { page, script: json_in_page(&script.to_string()) })
    }
}

/// A text with values in place of its `{names}`.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        filled.push_str(before);
        let named = values.iter().find_map(|(name, value)| {
            let after = after.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?;
            Some((value, after))
        });
        match named {
            Some((value, after)) => {
                push_apart(&mut filled, value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = &after[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Appends a value. One that is written from right to left would have the words and numbers around it
/// change places, so it is set apart, as `text` of the modules does it.
fn push_apart(text: &mut String, value: &str) {
    if value.contains(is_from_right) {
        text.extend(["\u{2068}", value, "\u{2069}"]);
    } else {
        text.push_str(value);
    }
}

fn is_from_right(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// Declares the texts of one part of the pages.
macro_rules! texts {
    ($($name:ident { $($key:ident),+ $(,)? })+) => {
        $(
            #[derive(Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name {
                $(pub(super) $key: String,)+
            }
        )+
    };
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageTexts {
    pub(super) common: CommonTexts,
    pub(super) list: ListTexts,
    pub(super) posto: PostoTexts,
    pub(super) reserva: ReservaTexts,
    pub(super) error: ErrorTexts,
    pub(super) offline: OfflineTexts,
}

texts! {
    CommonTexts {
        name, skip, all_postos, for_apps, times, no_script, free, taken, maintenance, unreachable,
        connector, power, price, distance, servidor, token, token_hint, broker_away, servidor_away,
        servidor_silent, servidores_away, servidores_silent, filter_ignored,
    }
    ListTexts {
        filters, any, more, power_min, free_only, order, order_name, order_price, order_power,
        order_distance, show, clear, near, nearest, mine, map, postos, one, many, free_one,
        free_many, none_fits, none, pages, page_of, previous, next, distance_needs_script,
    }
    PostoTexts {
        posto_number, open_map, show_map, place, reserve, reserve_title, not_free, placa, placa_hint,
        duration, duration_30, duration_60, duration_120, duration_240, duration_480, duration_1440,
        other_time, start, start_hint, end, end_hint, car, car_hint, model, model_hint, capacity,
        level, consumption, typical, remember, wrong_fields, field_request,
    }
    ReservaTexts {
        title, posto, posto_number, placa, start, end, ends_in, ativa_future, ativa_current, ativa_late,
        cumprida, cumprida_current, encerrada, nao_compareceu, cancelada, motivo_pedido, motivo_operador, motivo_manutencao, motivo_posto_removido,
        aviso_ocupado, aviso_livre, free_since, arrive_by, change_title, change, start_fixed, other_posto,
        same_posto, cancel_title, cancel_hint, cancel, keep_address, ask_token_title, see,
    }
    ErrorTexts {
        not_found, refused, invalid, unauthorized, too_many, unavailable, late, fault, see_reserva,
        back,
    }
    OfflineTexts { title, explain, mine, retry }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PORTUGUESE: &str = include_str!("../../../pages/pt.json");
    const ENGLISH: &str = include_str!("../../../pages/en.json");

    /// The path of each text, with the names that are replaced in it.
    fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                fields
                    .iter()
                    .for_each(|(name, value)| keys(value, &format!("{path}/{name}"), found));
            }
            Value::String(text) => {
                let mut names: Vec<_> =
                    text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
                names.sort_unstable();
                assert!(!text.is_empty(), "{path}");
                found.insert(format!("{path} {names:?}"));
            }
            other => panic!("{path} is {other}"),
        }
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        let [portuguese, english] = [PORTUGUESE, ENGLISH].map(|file| {
            let mut found = BTreeSet::new();
            keys(&serde_json::from_str(file).expect("JSON"), "", &mut found);
            assert!(Texts::read(file).is_ok(), "{:?}", Texts::read(file).err());
            found
        });
        let differing: Vec<_> = portuguese.symmetric_difference(&english).collect();
        assert!(differing.is_empty(), "{differing:?}");
    }

    #[test]
    fn names_in_a_text_are_replaced_once() {
        for (text, filled) in [
            ("{a} de {b}", "1 de {a}"),
            ("{a}{a}", "11"),
            ("{c} {", "{c} {"),
            ("{{a}}", "{1}"),
            ("é {a", "é {a"),
            ("{r} 5", "\u{2068}מרכז 2\u{2069} 5"),
        ] {
            let values = [("a", "1"), ("b", "{a}"), ("r", "מרכז 2")];
            assert_eq!(fill(text, &values), filled, "{text}");
        }
    }

    #[test]
    fn texts_of_modules_cannot_leave_their_element() {
        let json = ENGLISH.replace("\"script\": {", "\"script\": {\"x\": \"</script><!--\",");
        let json = json.replace(",\n  }", "\n  }").replace(",}", "}");
        let texts = Texts::read(&json).expect("texts");
        assert!(!texts.script.contains('<'), "{}", texts.script);
        let read: Value = serde_json::from_str(&texts.script).expect("JSON");
        assert_eq!(read["x"], "</script><!--");
    }
}
