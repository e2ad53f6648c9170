//! Which postos the list shows and in which order, as its address says.

use std::sync::Arc;

use form_urlencoded::Serializer;
use protocol::{Posto, ServerId, TipoConector};
use service::PageForm;

use super::posto_list::PostoList;
use super::posto_view::PostoState;

/// How many postos one page has.
pub(super) const PER_PAGE: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    #[default]
    Nome,
    Preco,
    Potencia,
    /// Only the page itself can ask the browser where it is; without it this is by name.
    Distancia,
}

impl Order {
    pub(super) const ALL: [Self; 4] = [Self::Nome, Self::Preco, Self::Potencia, Self::Distancia];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nome => "nome",
            Self::Preco => "preco",
            Self::Potencia => "potencia",
            Self::Distancia => "distancia",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Filter {
    pub(super) server_id: Option<ServerId>,
    pub(super) tipo_conector: Option<String>,
    pub(super) potencia_minima: Option<f64>,
    /// As it was typed.
    pub(super) potencia_minima_text: String,
    pub(super) disponivel: bool,
    pub(super) ordem: Order,
    /// From 1.
    pub(super) pagina: usize,
}

impl Filter {
    /// Also the names of what is no value of its filter. An address that was shared, or typed, still
    /// leads to a list.
    pub(super) fn read(query: &PageForm) -> (Self, Vec<&'static str>) {
        let mut ignored = Vec::new();
        let mut given = |name: &'static str, is_right: &dyn Fn(&str) -> bool| {
            let value = query.get(name);
            let is_right = value.is_empty() || is_right(value);
            if !is_right {
                ignored.push(name);
            }
            if is_right { value } else { "" }
        };
        // One that is not known yet, because this program has just started, is no wrong one.
        let server_id = given("server_id", &|value| value.parse::<ServerId>().is_ok());
        let tipo_conector =
            given("tipo_conector", &|value| value.chars().count() <= TipoConector::MAX);
        let potencia_minima_text = given("potencia_minima", &|value| power(value).is_some());
        let disponivel = given("disponivel", &|value| matches!(value, "true" | "false"));
        let order = |value: &str| Order::ALL.into_iter().find(|order| order.name() == value);
        let ordem = given("ordem", &|value| order(value).is_some());
        let page = |value: &str| value.parse().ok().filter(|page: &usize| *page > 0);
        let pagina = given("pagina", &|value| page(value).is_some());
        let filter = Self {
            server_id: server_id.parse().ok(),
            tipo_conector: Some(tipo_conector.to_owned()).filter(|value| !value.is_empty()),
            potencia_minima: power(potencia_minima_text),
            potencia_minima_text: potencia_minima_text.to_owned(),
            disponivel: disponivel == "true",
            ordem: order(ordem).unwrap_or_default(),
            pagina: page(pagina).unwrap_or(1),
        };
        (filter, ignored)
    }

    pub(super) fn is_connector(&self, connector: &str) -> bool {
        self.tipo_conector.as_ref().is_some_and(|own| TipoConector::is_same(own, connector))
    }

    pub(super) fn is_servidor(&self, server_id: &ServerId) -> bool {
        self.server_id.as_ref() == Some(server_id)
    }

    /// Whether some postos may be left out.
    pub(super) fn filters_anything(&self) -> bool {
        self.server_id.is_some()
            || self.tipo_conector.is_some()
            || self.potencia_minima.is_some()
            || self.disponivel
    }

    /// Whether it says something that is asked for less often, and is folded away.
    pub(super) fn uses_more(&self) -> bool {
        self.server_id.is_some() || self.potencia_minima.is_some() || self.ordem != Order::default()
    }

    pub(super) fn needs_script(&self) -> bool {
        self.ordem == Order::Distancia
    }

    fn matches(&self, server_id: &ServerId, posto: &Posto) -> bool {
        self.server_id.as_ref().is_none_or(|own| own == server_id)
            && (self.tipo_conector.is_none() || self.is_connector(&posto.tipo_conector))
            && self.potencia_minima.is_none_or(|power| posto.potencia_maxima >= power)
            && (!self.disponivel || PostoState::of(posto) == PostoState::Free)
    }

    /// Those that are shown, in their order.
    pub(super) fn apply<'a>(
        &self,
        lists: &'a [(ServerId, Arc<PostoList>)],
    ) -> Vec<(&'a ServerId, &'a Posto)> {
        let of_list = |(server_id, list): &'a (ServerId, Arc<PostoList>)| {
            list.postos.iter().map(move |named| (server_id, named))
        };
        let mut postos: Vec<_> = lists.iter().flat_map(of_list).collect();
        postos.retain(|(server_id, named)| self.matches(server_id, &named.posto));
        // The same postos are always in the same order.
        postos.sort_unstable_by_key(|(server_id, named)| (&named.key, *server_id, named.posto.id));
        let mut postos: Vec<_> =
            postos.into_iter().map(|(server_id, named)| (server_id, &named.posto)).collect();
        match self.ordem {
            Order::Nome | Order::Distancia => {}
            Order::Preco => {
                postos.sort_by(|(_, one), (_, other)| one.preco_kwh.total_cmp(&other.preco_kwh));
            }
            Order::Potencia => postos.sort_by(|(_, one), (_, other)| {
                other.potencia_maxima.total_cmp(&one.potencia_maxima)
            }),
        }
        postos
    }

    /// The address of another page of the same list.
    fn href(&self, pagina: usize) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.server_id.iter().map(|id| ("server_id", id.as_str())));
        query.extend_pairs(self.tipo_conector.iter().map(|connector| ("tipo_conector", connector)));
        if !self.potencia_minima_text.is_empty() {
            query.append_pair("potencia_minima", &self.potencia_minima_text);
        }
        if self.disponivel {
            query.append_pair("disponivel", "true");
        }
        if self.ordem != Order::default() {
            query.append_pair("ordem", self.ordem.name());
        }
        if pagina > 1 {
            query.append_pair("pagina", &pagina.to_string());
        }
        format!("./?{}", query.finish())
    }

    /// Which page of so many postos this is.
    pub(super) fn pages(&self, count: usize) -> Paging {
        let last = count.div_ceil(PER_PAGE).max(1);
        let current = self.pagina.min(last);
        let (previous, next) = (current - 1, current + 1);
        Paging {
            current,
            last,
            previous: (previous > 0).then(|| self.href(previous)),
            next: (next <= last).then(|| self.href(next)),
        }
    }
}

/// A link says the same in every language, so nothing separates thousands in it.
fn power(text: &str) -> Option<f64> {
    let power = text.replacen(',', ".", 1).parse::<f64>().ok();
    power.filter(|power| power.is_finite() && *power >= 0.0)
}

/// Where a page is among the others, with the addresses of those beside it.
pub(super) struct Paging {
    pub(super) current: usize,
    pub(super) last: usize,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posto(id: i64, nome: &str, potencia: f64, preco: f64) -> Posto {
        Posto {
            id,
            nome: nome.to_owned(),
            localizacao: "-23.5,-46.6".to_owned(),
            potencia_maxima: potencia,
            tipo_conector: if potencia > 40.0 { "CCS" } else { "Tipo 2" }.to_owned(),
            preco_kwh: preco,
            disponivel: id % 2 == 1,
            em_manutencao: id == 4,
        }
    }

    fn shown(query: &[(&'static str, &'static str); 1]) -> Vec<i64> {
        let s1 = vec![posto(1, "Ponto 10", 22.0, 2.5), posto(2, "ponto 2", 50.0, 1.5)];
        let s2 = vec![posto(3, "Álamo", 150.0, 2.0), posto(4, "Zona", 50.0, 2.0)];
        let lists = [("s1", s1), ("s2", s2)]
            .map(|(id, postos)| (id.parse().expect("an id"), Arc::new(PostoList::of(postos))));
        let (filter, ignored) = Filter::read(&PageForm::from(*query));
        assert_eq!(ignored, [""; 0], "{query:?}");
        filter.apply(&lists).iter().map(|(_, posto)| posto.id).collect()
    }

    #[test]
    fn the_query_says_which_postos_and_in_which_order() {
        for (name, value, expected) in [
            ("x", "", &[3, 2, 1, 4][..]),
            ("server_id", "s2", &[3, 4]),
            ("server_id", "s3", &[]),
            ("tipo_conector", "CCS", &[3, 2, 4]),
            ("tipo_conector", "ccs", &[3, 2, 4]),
            ("tipo_conector", "GB/T", &[]),
            ("potencia_minima", "50", &[3, 2, 4]),
            ("potencia_minima", "50,5", &[3]),
            ("disponivel", "true", &[3, 1]),
            ("disponivel", "false", &[3, 2, 1, 4]),
            ("ordem", "preco", &[2, 3, 4, 1]),
            ("ordem", "potencia", &[3, 2, 4, 1]),
            ("ordem", "distancia", &[3, 2, 1, 4]),
        ] {
            assert_eq!(shown(&[(name, value)]), expected, "{name}={value}");
        }
    }

    #[test]
    fn what_is_no_value_of_its_filter_is_ignored_and_named() {
        let long = "x".repeat(41);
        let query = [
            ("server_id", "s/3"),
            ("tipo_conector", long.as_str()),
            ("potencia_minima", "-1"),
            ("disponivel", "sim"),
            ("ordem", "cor"),
            ("pagina", "0"),
            ("utm_source", "x"),
        ];
        let (filter, ignored) = Filter::read(&PageForm::from(query));
        assert_eq!(filter, Filter { pagina: 1, ..Filter::default() });
        assert_eq!(
            ignored,
            ["server_id", "tipo_conector", "potencia_minima", "disponivel", "ordem", "pagina"]
        );
    }

    #[test]
    fn pages_lead_to_each_other_with_the_filters() {
        let query = [("tipo_conector", "Tipo 2"), ("ordem", "preco"), ("pagina", "2")];
        let (filter, _) = Filter::read(&PageForm::from(query));
        let pages = filter.pages(401);
        assert_eq!((pages.current, pages.last), (2, 3));
        assert_eq!(pages.previous.as_deref(), Some("./?tipo_conector=Tipo+2&ordem=preco"));
        assert_eq!(pages.next.as_deref(), Some("./?tipo_conector=Tipo+2&ordem=preco&pagina=3"));
        let last = filter.pages(200);
        assert_eq!((last.current, last.last, last.previous, last.next), (1, 1, None, None));
        assert_eq!(filter.pages(0).last, 1);
    }
}
