//! A whole servidor on a free port, with files of its own and no broker.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use domain::{Moment, Rules};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use server::store::{Environment, Reserve, Store};
use server::{Config, Server, StartError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Three postos: in service, in maintenance, out of service.
pub(crate) const POSTOS: &str = "id,nome,latitude,longitude,status,preco_kwh
1,Ponto 1,-23.5505,-46.6333,disponivel,2.0
2,Ponto 2,-23.5475,-46.6361,em_manutencao,2.1
3,Ponto 3,-23.5614,-46.6559,indisponivel,2.2
";

/// A servidor's files, whether it runs or not.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn with_postos(csv: &str) -> Self {
        let home = Self::new();
        std::fs::write(home.csv(), csv).expect("a file of postos");
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn csv(&self) -> PathBuf {
        self.path().join("postos.csv")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("data/server1.db")
    }

    /// Where the servidor leaves the token that it makes.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.path().join("data/server1.db.token")
    }

    pub(crate) fn config(&self) -> Config {
        self.config_with(&[])
    }

    /// With these variables set too.
    pub(crate) fn config_with(&self, set: &[(&str, &str)]) -> Config {
        let found = |name: &str| set.iter().find(|(set, _)| *set == name);
        let lookup = |name: &str| match name {
            _ if found(name).is_some() => found(name).map(|(_, value)| (*value).to_owned()),
            "SERVER_ID" => Some("server1".to_owned()),
            "DATABASE_URL" => Some(format!("sqlite:///{}", self.database().display())),
            "POSTOS_CSV" => Some(self.csv().display().to_string()),
            "HTTP_ADDR" => Some("127.0.0.1:0".to_owned()),
            "MQTT_BROKER" => Some("127.0.0.1".to_owned()),
            // No broker listens there.
            "MQTT_PORT" => Some("1".to_owned()),
            _ => None,
        };
        Config::from_lookup(&lookup).expect("a good configuration")
    }

    /// Makes reservas through the store while the servidor is stopped; each must succeed.
    pub(crate) async fn reserve(&self, reservations: Vec<Reserve>) {
        let now = std::sync::Arc::new(|| Moment::from_millis(service::now().as_millis()));
        let (changes, _) = mpsc::channel(1);
        // Files with fixed dates name some that are always far ahead.
        let antecedencia = std::time::Duration::from_secs(200 * 365 * 24 * 60 * 60);
        let rules = Rules { antecedencia, ..Rules::default() };
        let environment = Environment { server_id: "server1".to_owned(), now, rules, changes };
        let opened = Store::open(&self.database(), environment).await;
        let (store, closer) = opened.expect("the store opens");
        for reservation in reservations {
            store.execute(reservation).await.expect("the posto is free");
        }
        drop(store);
        closer.close().await.expect("the store closes");
    }

    pub(crate) async fn start(self) -> Result<Running, StartError> {
        let config = self.config();
        self.start_with(config).await
    }

    pub(crate) async fn start_with(self, config: Config) -> Result<Running, StartError> {
        let server = Server::start(config).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let addr = server.addr();
        let task = tokio::spawn(server.run_until(async {
            let _ = stopped.await;
        }));
        let token = std::fs::read_to_string(self.token_file()).unwrap_or_default();
        let http = http(token.trim());
        Ok(Running { home: self, addr, http, stop, task })
    }
}

/// A client that sends this token with each request.
fn http(token: &str) -> reqwest::Client {
    builder(token).build().expect("an HTTP client")
}

fn builder(token: &str) -> reqwest::ClientBuilder {
    let mut headers = HeaderMap::new();
    if !token.is_empty() {
        let value = format!("Bearer {token}").parse().expect("a token");
        headers.insert(AUTHORIZATION, value);
    }
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    http.default_headers(headers)
}

/// A servidor that is running.
pub(crate) struct Running {
    home: Home,
    pub(crate) addr: SocketAddr,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

/// An HTTP answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null when the text is not JSON.
    pub(crate) json: Value,
}

impl Answer {
    /// Status and `codigo`, which is empty for a success.
    pub(crate) fn verdict(&self) -> (u16, &str) {
        (self.status, self.json["codigo"].as_str().unwrap_or_default())
    }

    pub(crate) fn mensagem(&self) -> &str {
        self.json["mensagem"].as_str().unwrap_or_default()
    }

    /// The names of the wrong fields.
    pub(crate) fn campos(&self) -> Vec<&str> {
        let campos = self.json["campos"].as_array().map(Vec::as_slice).unwrap_or_default();
        campos.iter().filter_map(|wrong| wrong["campo"].as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }

    /// The given member of each object in the list called `list`.
    pub(crate) fn column(&self, list: &str, member: &str) -> Vec<Value> {
        let rows = self.json[list].as_array().expect("a list");
        rows.iter().map(|row| row[member].clone()).collect()
    }
}

impl Running {
    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    /// A servidor that has just imported [`POSTOS`].
    pub(crate) async fn fresh() -> Self {
        Home::with_postos(POSTOS).start().await.expect("it starts")
    }

    /// The same, with these reservas made before it started again.
    pub(crate) async fn with_reservas(reservations: Vec<Reserve>) -> Self {
        let home = Self::fresh().await.stop().await;
        home.reserve(reservations).await;
        home.start().await.expect("it starts again")
    }

    /// A request with this token, or with none if it is empty.
    pub(crate) fn request_with(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        http(token).request(method, format!("http://{}{path}", self.addr))
    }

    /// Asks with this token once, or with none if it is empty.
    pub(crate) async fn ask(&self, token: &str, method: Method, path: &str) -> Answer {
        self.send(self.request_with(token, method, path)).await
    }

    /// The same, from this address of the machine.
    pub(crate) async fn ask_from(
        &self,
        address: [u8; 4],
        token: &str,
        method: Method,
        path: &str,
    ) -> Answer {
        let http = builder(token).local_address(std::net::IpAddr::from(address));
        let http = http.build().expect("an HTTP client");
        self.send(http.request(method, format!("http://{}{path}", self.addr))).await
    }

    /// The token that it has made.
    pub(crate) fn token(&self) -> String {
        let text = std::fs::read_to_string(self.home.token_file()).expect("its file");
        text.trim().to_owned()
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.addr))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("a whole body");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Sends this body unchanged, with a JSON content type.
    pub(crate) async fn send_json(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = self.request(method, path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(body.to_owned())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::POST, path, &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::PUT, path, &body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::PATCH, path, &body.to_string()).await
    }

    /// Stops it as SIGTERM does; its files stay.
    pub(crate) async fn stop(self) -> Home {
        drop(self.stop);
        self.task.await.expect("no panic").expect("an orderly end");
        self.home
    }
}
