//! Lists of postos: written exactly, and read in any order.

use protocol::{ListingReply, Posto, PostosReply, UnchangedReply, WrittenPostosReply};

use crate::support::{golden, id};

#[test]
fn postos_reply() {
    let posto = Posto {
        id: 5,
        nome: "Ponto 5".to_owned(),
        localizacao: "-23.5540,-46.6370".to_owned(),
        potencia_maxima: 22.0,
        tipo_conector: "CCS".to_owned(),
        preco_kwh: 2.5,
        disponivel: true,
        em_manutencao: false,
    };
    let json = r#"{"request_id":"r1","postos":[{
        "id":5,"nome":"Ponto 5","localizacao":"-23.5540,-46.6370","potencia_maxima":22.0,
        "tipo_conector":"CCS","preco_kwh":2.5,"disponivel":true,"em_manutencao":false
    }]}"#;
    let mut reply =
        PostosReply { request_id: id("r1"), versao: None, proxima: None, postos: vec![posto] };
    golden(&reply, json);
    reply.postos.clear();
    golden(&reply, r#"{"request_id":"r1","postos":[]}"#);
    (reply.versao, reply.proxima) = (Some("5f3a-7".to_owned()), Some(5));
    golden(&reply, r#"{"request_id":"r1","versao":"5f3a-7","proxima":5,"postos":[]}"#);
}

#[test]
fn a_listing_of_written_postos_is_a_listing() {
    let mut reply = WrittenPostosReply {
        request_id: "r\"\\1",
        versao: Some("5f3a-7"),
        proxima: Some(5),
        postos: &[r#"{"id":4},{"id":5}"#],
    };
    let written = |reply: &WrittenPostosReply<'_>| {
        let json = String::from_utf8(reply.to_json().expect("JSON")).expect("text");
        let postos: usize = reply.postos.iter().map(|part| part.len() + 1).sum();
        let versao = reply.versao.unwrap_or_default();
        assert!(json.len() <= postos + WrittenPostosReply::overhead(reply.request_id, versao));
        json
    };
    let head = r#"{"request_id":"r\"\\1","versao":"5f3a-7""#;
    assert_eq!(
        written(&reply),
        format!(r#"{head},"proxima":5,"postos":[{{"id":4}},{{"id":5}}]}}"#)
    );
    reply.proxima = None;
    reply.postos = &[r#"{"id":4}"#, "", r#"{"id":9}"#];
    assert_eq!(written(&reply), format!(r#"{head},"postos":[{{"id":4}},{{"id":9}}]}}"#));
    reply.postos = &[];
    assert_eq!(written(&reply), format!(r#"{head},"postos":[]}}"#));
    reply.versao = None;
    let json = written(&reply);
    assert_eq!(json, r#"{"request_id":"r\"\\1","postos":[]}"#);
    let page = ListingReply::read_head(json.as_bytes()).expect("a page");
    assert_eq!((page.postos, page.proxima), (Some(&b""[..]), None));
}

#[test]
fn unchanged_reply() {
    let reply = serde_json::to_string(&UnchangedReply::new("r\"1", "5f3a-7")).expect("JSON");
    assert_eq!(reply, r#"{"request_id":"r\"1","inalterada":true,"versao":"5f3a-7"}"#);
    let read = ListingReply::read_head(reply.as_bytes()).expect("a reply");
    assert_eq!((read.inalterada, read.versao.as_deref()), (true, Some("5f3a-7")));
    assert_eq!(&reply[read.request_id], r#""r\"1""#);
}

/// However a listing is written, a gateway finds the same in it: `request_id` as text, `versao`,
/// `proxima`, `inalterada` and the postos.
#[test]
fn a_listing_is_read_in_any_order() {
    let list = Some(r#"{"id":4},{"id":5}"#);
    for (json, versao, proxima, inalterada, postos) in [
        (r#"{"request_id":"r","versao":"v","postos":[{"id":4},{"id":5}]}"#, "v", None, false, list),
        (
            r#"{"request_id":"r","versao":"v","proxima":5,"postos":[{"id":4},{"id":5}]}"#,
            "v",
            Some(5),
            false,
            list,
        ),
        (
            r#" { "request_id" : "r" , "versao" : "v" , "postos" : [ {"id":4},{"id":5} ] } "#,
            "v",
            None,
            false,
            list,
        ),
        (
            r#"{"request_id":"r","versao":"v","postos":[{"id":4},{"id":5}],"proxima":5}"#,
            "v",
            Some(5),
            false,
            list,
        ),
        (
            r#"{"postos":[{"id":4},{"id":5}],"proxima":5,"versao":"v","request_id":"r"}"#,
            "v",
            Some(5),
            false,
            list,
        ),
        (r#"{"request_id":"r","postos":[{"id":4},{"id":5}],"versao":"v"}"#, "v", None, false, list),
        (r#"{"request_id":"r","postos":[{"id":4},{"id":5}],"x":[1]}"#, "", None, false, list),
        (
            r#"{"request_id":"r","vers\u0061o":"\u0076","p\u006fstos":[{"id":4},{"id":5}]}"#,
            "v",
            None,
            false,
            list,
        ),
        (
            r#"{"request_id":"r","versao":7,"proxima":"5","inalterada":1,"postos":[]}"#,
            "",
            None,
            false,
            Some(""),
        ),
        (r#"{"request_id":"r","versao":null,"proxima":null,"postos":null}"#, "", None, false, None),
        (r#"{"request_id":"r","versao":"v","postos":5}"#, "v", None, false, None),
        (
            r#"{"request_id":"r","versao":"v","inalterada":true,"x":{"postos":[1]}}"#,
            "v",
            None,
            true,
            None,
        ),
    ] {
        for read in
            [ListingReply::read_head(json.as_bytes()), ListingReply::read_whole(json.as_bytes())]
        {
            let read = read.unwrap_or_else(|| panic!("{json}"));
            assert_eq!(&json[read.request_id], r#""r""#, "{json}");
            assert_eq!(read.versao.as_deref().unwrap_or_default(), versao, "{json}");
            assert_eq!((read.proxima, read.inalterada), (proxima, inalterada), "{json}");
            let text = read.postos.map(|postos| std::str::from_utf8(postos).expect("text"));
            assert_eq!(text, postos, "{json}");
        }
    }
    for json in ["", "[]", "7", "{}", r#"{"versao":"v","postos":[]}"#, r#"{"request_id":"r""#] {
        assert!(ListingReply::read_head(json.as_bytes()).is_none(), "{json}");
    }
    // Only what is read wholly is known to be a list and nothing else.
    let unknown = br#"{"request_id":"r","versao":"v","postos":[1],"x":[2]}"#;
    let whole = ListingReply::read_whole(unknown).expect("a listing");
    assert_eq!(whole.postos, Some(&b"1"[..]));
    assert!(ListingReply::read_whole(br#"{"request_id":"r","versao":"v","postos":[}]}"#).is_none());
}
