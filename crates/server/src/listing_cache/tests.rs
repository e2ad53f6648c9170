//! Pages, put together, are the whole list.

use proptest::prelude::*;

use super::*;
use crate::store::StatesRow;

const WHOLE: PageQuery = PageQuery { after: 0, limit: None, max_bytes: usize::MAX };

fn posto(id: i64, disponivel: bool) -> PostoRow {
    PostoRow {
        id,
        nome: "é".repeat(id as usize % 7 + 1),
        localizacao: "-23.5540,-46.6370".to_owned(),
        potencia_maxima: 22.0,
        tipo_conector: if id % 3 == 0 { "Type 2" } else { "CCS" }.to_owned(),
        preco_kwh: 2.5,
        disponivel,
        em_manutencao: id % 5 == 0,
        states: StatesRow::default(),
    }
}

/// Postos whose ids have gaps.
fn listing() -> impl Strategy<Value = Arc<Listing>> {
    prop::collection::vec((1..4_i64, any::<bool>()), 0..40).prop_map(|steps| {
        let mut id = 0;
        let postos = steps.into_iter().map(|(step, disponivel)| {
            id += step;
            posto(id, disponivel)
        });
        Arc::new(Listing { postos: postos.collect(), version: "v".to_owned() })
    })
}

fn filter() -> impl Strategy<Value = PostosFilter> {
    let connector = prop::option::of(prop::sample::select(vec!["CCS", "type 2", "CHAdeMO"]));
    (any::<Option<bool>>(), any::<Option<bool>>(), connector).prop_map(
        |(disponivel, em_manutencao, connector)| PostosFilter {
            disponivel,
            em_manutencao,
            tipo_conector: connector
                .map(|text| domain::TipoConector::new(text).expect("a connector")),
        },
    )
}

/// All pages, one after the other, each within its bounds.
fn gather(
    cache: &ListingCache,
    listing: &Arc<Listing>,
    filter: &PostosFilter,
    mut query: PageQuery,
) -> Result<String, PageError> {
    let mut gathered: Vec<String> = Vec::new();
    loop {
        let page = cache.page(listing, filter, query)?;
        assert!(page.postos().len() <= query.max_bytes);
        let limit = query.limit.unwrap_or(usize::MAX);
        assert!(page.range.is_empty() || page.postos().matches("\"id\"").count() <= limit);
        if !page.postos().is_empty() {
            gathered.push(page.postos().to_owned());
        }
        let Some(proxima) = page.proxima else { return Ok(gathered.join(",")) };
        assert!(proxima > query.after, "the pages do not advance");
        query.after = proxima;
    }
}

proptest! {
    #[test]
    fn pages_put_together_are_the_whole_list(
        listing in listing(),
        filter in filter(),
        limit in prop::sample::select(vec![1, 2, 3, 7, 39, 40, 41, 100_000]),
        max_bytes in 300..4_000_usize,
    ) {
        let cache = ListingCache::default();
        let whole = cache.page(&listing, &filter, WHOLE).expect("a list");
        let expected: Vec<_> = listing.matching(&filter).map(wire::posto).collect();
        let expected = serde_json::to_string(&expected).expect("JSON");
        prop_assert_eq!(format!("[{}]", whole.postos()), expected);
        prop_assert_eq!(whole.proxima, None);
        let query = PageQuery { after: 0, limit: Some(limit), max_bytes };
        let gathered = gather(&cache, &listing, &filter, query).expect("pages");
        prop_assert_eq!(gathered, whole.postos());
        let asked_whole = cache.page(&listing, &filter, PageQuery { limit: None, ..query });
        prop_assert_eq!(asked_whole.is_ok(), whole.postos().len() <= max_bytes);
    }

    #[test]
    fn what_follows_an_id_is_the_rest_of_the_list(listing in listing(), after in 0..130_i64) {
        let cache = ListingCache::default();
        for filter in [
            PostosFilter::default(),
            PostosFilter { disponivel: Some(true), ..PostosFilter::default() },
        ] {
            let query = PageQuery { after, ..WHOLE };
            let rest = cache.page(&listing, &filter, query).expect("a list");
            let postos = listing.matching(&filter).filter(|posto| posto.id > after);
            let expected: Vec<_> = postos.map(wire::posto).collect();
            let expected = serde_json::to_string(&expected).expect("JSON");
            prop_assert_eq!(format!("[{}]", rest.postos()), expected);
        }
    }
}

#[test]
fn a_list_that_does_not_fit_says_how_many_would() {
    let postos: Vec<_> = (1..=9).map(|id| posto(id * 7, true)).collect();
    let listing = Arc::new(Listing { postos, version: "v".to_owned() });
    let cache = ListingCache::default();
    let one = serde_json::to_string(&wire::posto(&listing.postos[0])).expect("JSON").len();
    let none = PostosFilter::default();
    let all = PostosFilter { disponivel: Some(true), ..PostosFilter::default() };
    for filter in [&none, &all] {
        let refused = |query: PageQuery| match cache.page(&listing, filter, query) {
            Err(PageError::TooLong { fitting }) => Some(fitting),
            Ok(_) => None,
            Err(PageError::Json(error)) => panic!("{error}"),
        };
        assert_eq!(refused(PageQuery { max_bytes: 3 * one + 10, ..WHOLE }), Some(3));
        for limit in [None, Some(5)] {
            assert_eq!(refused(PageQuery { limit, max_bytes: 10, ..WHOLE }), Some(0));
        }
        assert_eq!(refused(PageQuery { limit: Some(5), max_bytes: one, ..WHOLE }), None);
        assert_eq!(
            refused(PageQuery { after: 63, max_bytes: 0, ..WHOLE }),
            None,
            "nothing is left"
        );
    }
}
