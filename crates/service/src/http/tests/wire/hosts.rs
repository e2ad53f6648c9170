//! The header `Host`.

use super::*;

#[tokio::test]
async fn a_host_that_is_none_is_refused() {
    let (addr, _stop) = started().await;
    for (host, status) in [
        ("", 200),
        ("x", 200),
        ("client_servidor_1:8001", 200),
        ("x.:", 200),
        ("10.0.0.1:65535", 200),
        ("[::1]", 200),
        ("[fe80::1%25eth0]:80", 200),
        ("a b", 400),
        ("a/b", 400),
        ("http://x", 400),
        ("user@x", 400),
        ("x:65536", 400),
        ("x:99999999999999999999", 400),
        ("x:+1", 400),
        ("x:http", 400),
        ("x:1:2", 400),
        (":80", 400),
        ("::1", 400),
        ("[::1", 400),
        ("[::1]80", 400),
        ("[]", 400),
        ("x?", 400),
        ("x\\y", 400),
        ("é", 400),
        ("\u{a0}", 400),
    ] {
        for version in ["1.0", "1.1"] {
            let request = format!("GET /postos HTTP/{version}\r\nHost: {host}\r\n\r\n");
            let (answer, closed) = send(addr, request.as_bytes()).await;
            let codigo = if status == 400 { "requisicao_malformada" } else { "" };
            assert_eq!(answer.verdict(&request), (status, codigo.to_owned()), "{host}");
            assert!(status == 200 || closed, "{host}");
        }
    }
}
