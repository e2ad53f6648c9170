//! Where one request ends and the next begins.

use super::*;

/// Requests that are answered, and with what.
const REQUESTS: [(&str, u16); 12] = [
    ("GET /postos HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    ("\r\n\nGET /postos HTTP/1.1\nHost: x\nContent-Length: 0\n\n", 200),
    ("HEAD /postos HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    ("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    (
        "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         CONTENT-LENGTH:\t17 \r\n\r\n{\r\n\r\n\r\nGET / X\r\n}",
        200,
    ),
    (
        "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        200,
    ),
    (
        "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n001\r\n{\r\nA ; a=\"b\r\n\r\n\r\nGET / \r\n\
         1\t\r\n}\r\n0;c\r\nContent-Length: 5\r\nB: c\r\n\r\n",
        200,
    ),
    (
        "POST /reservar HTTP/1.1\r\nHost: x\r\ntransfer-encoding:CHUNKED  \r\n\
         Content-Type: application/json\r\n\r\n\
         1d\r\n{\"a\":\"\\nContent-Length: 5\\n\"}\r\n0\r\n\r\n",
        200,
    ),
    (
        "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        200,
    ),
    ("POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 404),
    (
        "POST /nope HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\n\r\n",
        404,
    ),
    ("PUT /postos HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\n{", 405),
];

const LAST: &str = "GET /postos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// The statuses of all answers to these requests, and whether the connection was closed. They are
/// sent in pieces of `size`, or each as one.
async fn statuses(addr: SocketAddr, requests: &[&str], size: Option<usize>) -> (Vec<u16>, bool) {
    for _ in 0..100 {
        if let Some(answered) = exchange(addr, requests, size).await {
            return answered;
        }
    }
    panic!("this machine is too busy to tell");
}

/// As [`statuses`]; `None`: this machine was so busy that a body came later than a server waits for.
async fn exchange(
    addr: SocketAddr,
    requests: &[&str],
    size: Option<usize>,
) -> Option<(Vec<u16>, bool)> {
    let mut connection = connect(addr).await;
    connection.set_nodelay(true).expect("a socket");
    let text = requests.concat();
    let pieces: Vec<&[u8]> = match size {
        Some(size) => text.as_bytes().chunks(size).collect(),
        None => requests.iter().map(|request| request.as_bytes()).collect(),
    };
    let mut ends = requests.iter().scan(0, |end, request| {
        *end += request.len();
        Some(*end)
    });
    let (mut end, mut written, mut begun) = (ends.next(), 0, None);
    for piece in pieces {
        let now = Instant::now();
        let request_begun = *begun.get_or_insert(now);
        // It may be refused before its end.
        let _ = connection.write_all(piece).await;
        written += piece.len();
        if end.is_some_and(|end| written >= end) {
            if request_begun.elapsed() > UNREAD_BODY_LIMIT / 2 {
                return None;
            }
            while end.is_some_and(|end| written >= end) {
                begun = (Some(written) > end).then_some(now);
                end = ends.next();
            }
        }
        match size {
            Some(_) => tokio::task::yield_now().await,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(TEST_LIMIT, connection.read_to_end(&mut bytes)).await;
    let text = String::from_utf8_lossy(&bytes);
    let answers = text.split("HTTP/1.1 ").filter_map(|answer| answer.get(..3)?.parse().ok());
    Some((answers.filter(|status| *status != 100).collect(), matches!(read, Ok(Ok(_)))))
}

const CUTS: [Option<usize>; 4] = [Some(usize::MAX), None, Some(7), Some(1)];

#[tokio::test]
async fn requests_of_every_framing_follow_each_other() {
    let (addr, _stop) = started().await;
    for cut in CUTS {
        for (request, status) in REQUESTS {
            let sent = statuses(addr, &[request, request, LAST], cut).await;
            assert_eq!(sent, (vec![status, status, 200], true), "{cut:?} {request}");
        }
        let all: Vec<&str> = REQUESTS.iter().map(|(request, _)| *request).chain([LAST]).collect();
        let answers = REQUESTS.iter().map(|(_, status)| *status).chain([200]).collect();
        assert_eq!(statuses(addr, &all, cut).await, (answers, true), "{cut:?}");
    }
}

#[tokio::test]
async fn a_request_with_two_lengths_is_refused_wherever_it_comes() {
    let (addr, _stop) = started().await;
    let (length, chunked) = ("Content-Length: 5", "Transfer-Encoding: chunked");
    let padded = format!("Content-Length: {}5", "0".repeat(70));
    let refused = [
        vec![length, chunked],
        vec![chunked, length],
        vec!["CONTENT-LENGTH:0", "transfer-encoding:   chunked"],
        vec!["transfer-encoding:\tChunked ", "content-length:\t5 "],
        vec![chunked, &padded],
        vec![chunked, "Content-Length: x"],
        vec![chunked, "Content-Length:"],
        vec![length, length, chunked],
        vec!["Content-Length : 5", chunked],
        vec![chunked, "Content-Length\t: 5"],
        vec![chunked, "A: b\r\n Content-Length: 5"],
        vec!["A: b\r\n\tContent-Length: 5", chunked],
        vec!["Transfer-Encoding: gzip"],
        vec!["Transfer-Encoding: gzip, chunked"],
        vec!["Transfer-Encoding: identity, chunked"],
        vec!["Transfer-Encoding: chunked, chunked"],
        vec!["Transfer-Encoding: , chunked"],
        vec![chunked, chunked],
        vec!["Transfer-Encoding: gzip", chunked],
    ];
    for headers in refused {
        let request = format!(
            "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{}\r\n\r\n\
             2\r\n{{}}\r\n0\r\n\r\n",
            headers.join("\r\n")
        );
        let (answer, closed) = send(addr, request.as_bytes()).await;
        assert_eq!(answer.verdict(&request), (400, "requisicao_malformada".to_owned()));
        assert!(closed && answer.header("connection") == Some("close"), "{request}");
        for cut in CUTS {
            for (before, status) in REQUESTS {
                let sent = statuses(addr, &[before, &request, LAST], cut).await;
                assert_eq!(sent, (vec![status, 400], true), "{cut:?} {before}{request}");
            }
        }
    }
}

#[tokio::test]
async fn after_what_cannot_be_followed_no_chunks_are_taken() {
    let (addr, _stop) = started().await;
    let zeros = "0".repeat(70);
    let json = "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let chunked = format!("{json}Transfer-Encoding: chunked\r\n\r\n");
    let hidden = format!("{json}Content-Length: 5\r\n{}", &chunked[json.len()..]);
    for (before, after) in [
        (format!("{json}Content-Length: {zeros}2\r\n\r\n{{}}"), &hidden),
        (format!("{json}Content-Length: {zeros}2\r\n\r\n{{}}"), &chunked),
        (format!("{chunked}{zeros}2\r\n{{}}\r\n0\r\n\r\n"), &hidden),
        // hyper takes all of this for trailers.
        (format!("{chunked}2\r\n{{}}\r\n0\r\nA: b\n\r\nGET /x HTTP/1.1\r\n\r\n"), &hidden),
    ] {
        for cut in CUTS {
            let request = format!("{after}0\r\n\r\n");
            let get = REQUESTS[0].0;
            let sent = statuses(addr, &[&before, get, &request, LAST], cut).await;
            assert_eq!(sent, (vec![200, 200, 400], true), "{cut:?} {before}{after}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_framed_as_it_says_is_refused_as_malformed() {
    let (addr, _stop) = started().await;
    let head = "POST /reservar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let rest = "\r\n0\r\n\r\nGET /postos HTTP/1.1\r\nHost: x\r\n\r\n";
    for (text, ends) in [
        (format!("{chunked}x\r\n{{}}{rest}"), false),
        (format!("{chunked}-2\r\n{{}}{rest}"), false),
        (format!("{chunked}0x2\r\n{{}}{rest}"), false),
        (format!("{chunked}\r\n{{}}{rest}"), false),
        (format!("{chunked}1\r\n{{}}{rest}"), false),
        (format!("{chunked}3\r\n{{}}{rest}"), false),
        (format!("{chunked}2\n{{}}{rest}"), false),
        (format!("{chunked}2;a\n{{}}{rest}"), false),
        (format!("{chunked}ffffffffffffffff0\r\n{{}}{rest}"), false),
        (format!("{chunked}2\r\n{{}}\r\n0\r\nA b: c\r\n\r\n"), false),
        (format!("{chunked}2\r\n{{}}\r\n0\r\nA: b\r\n"), true),
        (format!("{chunked}2\r\n{{"), true),
        (format!("{chunked}2\r\n{{}}\r\n"), true),
        (format!("{head}Content-Length: 3\r\n\r\n{{}}"), true),
    ] {
        for late in [false, true] {
            let mut connection = connect(addr).await;
            let (first, second) = text.split_at(text.find("\r\n\r\n").expect("a head") + 4);
            if late {
                connection.write_all(first.as_bytes()).await.expect("it is sent");
                tokio::time::sleep(Duration::from_millis(10)).await;
                connection.write_all(second.as_bytes()).await.expect("it is sent");
            } else {
                connection.write_all(text.as_bytes()).await.expect("it is sent");
            }
            if ends {
                connection.shutdown().await.expect("it is open");
            }
            let (answer, closed) = read_all(&mut connection).await;
            assert_eq!(answer.verdict(&text), (400, "requisicao_malformada".to_owned()), "{text}");
            assert!(closed && answer.header("connection") == Some("close"), "{text}");
        }
    }
}
