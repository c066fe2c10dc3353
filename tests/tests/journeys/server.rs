//! The real server on a free port, and callers of it.

use std::process::Command;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tanhui_tests::Outcome;

use crate::process::{Process, Ran, wait_for};
use crate::world::World;

pub struct Server {
    process: Process,
    base: String,
}

impl Server {
    /// Starts `tanhui serve` in demo mode, where everyone's code is 000000.
    pub async fn start(world: &World) -> Outcome<Self> {
        Self::start_command(world.tanhui(&["serve", "--demo", "--listen", "127.0.0.1:0"])?, world).await
    }

    pub async fn start_command(command: Command, world: &World) -> Outcome<Self> {
        let mut process = Process::start(command, world.folder())?;
        let base = wait_for("the server to listen", || {
            let found = until_it_listens(&mut process);
            async move { found }
        });
        let base = base.await?;
        Ok(Self { process, base })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn log(&self) -> Outcome<String> {
        self.process.err()
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(self) -> Outcome<Ran> {
        self.process.ask_to_stop()?;
        self.ended().await
    }

    /// Waits for its end.
    pub async fn ended(self) -> Outcome<Ran> {
        self.process.until_ended().await
    }

    /// A caller without credentials.
    pub fn anyone(&self) -> Caller {
        Caller::to(&self.base)
    }

    /// A caller with a partner's key.
    pub fn partner(&self, key: &str) -> Caller {
        Caller { token: Some(key.to_owned()), ..self.anyone() }
    }

    /// A caller signed in by phone.
    pub async fn person(&self, phone: &str) -> Outcome<Caller> {
        self.anyone().signed_in(phone).await
    }
}

fn until_it_listens(process: &mut Process) -> Outcome<Option<String>> {
    let log = process.err()?;
    let line = log.lines().find(|line| line.contains("listening") && line.contains("address="));
    let address = line.and_then(|line| line.split("address=").nth(1)?.split_whitespace().next());
    if address.is_none() && !process.is_running()? {
        return Err(format!("it ended: {log}").into());
    }
    Ok(address.map(|address| format!("http://{address}")))
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// Null where the body is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    pub fn ok(self) -> Outcome<Value> {
        if (200..300).contains(&self.status) { Ok(self.body) } else { Err(format!("{self:?}").into()) }
    }

    /// Asserts that it is a problem document with this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert!(self.body["title"].is_string() && self.body["request_id"].is_string(), "{self:?}");
    }
}

#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Caller {
    /// Someone unknown.
    pub fn to(base: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), token: None }
    }

    /// The same, signed in by phone.
    pub async fn signed_in(&self, phone: &str) -> Outcome<Self> {
        let tokens = self.tokens(phone).await?;
        let token = tokens["access_token"].as_str().ok_or("no token")?.to_owned();
        Ok(Self { token: Some(token), ..self.clone() })
    }

    /// Signs in by phone and gives the whole answer.
    pub async fn tokens(&self, phone: &str) -> Outcome<Value> {
        let sent = self.post("/v1/auth/otp", &json!({ "phone": phone })).await?;
        assert_eq!(sent.status, 202, "{sent:?}");
        let wish = json!({ "grant_type": "otp", "phone": phone, "code": "000000" });
        self.post("/v1/auth/token", &wish).await?.ok()
    }

    pub async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.call(Method::POST, path, body, &[]).await
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Outcome<Answer> {
        let json = [headers, &[("content-type", "application/json")]].concat();
        self.send(method, path, &json, Some(body.to_string().into_bytes())).await
    }

    pub async fn delete(&self, path: &str) -> Outcome<Answer> {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// The same caller at another server.
    pub fn at(&self, server: &Server) -> Self {
        Self { base: server.base.clone(), ..self.clone() }
    }

    /// Host and port, and the token.
    pub fn place(&self) -> (String, String) {
        (self.base.trim_start_matches("http://").to_owned(), self.token.clone().unwrap_or_default())
    }

    /// What a path gives as a file.
    pub async fn download(&self, path: &str) -> Outcome<Vec<u8>> {
        let request = self.http.get(format!("{}{path}", self.base)).header("accept-language", "en");
        let response = request.bearer_auth(self.token.as_deref().unwrap_or_default()).send().await?;
        assert_eq!(response.status(), 200, "{path}");
        Ok(response.bytes().await?.to_vec())
    }

    /// Reports events in any of the three formats.
    pub async fn report(&self, format: &str, body: impl Into<Vec<u8>>) -> Outcome<Answer> {
        let path = "/v1/partner/events";
        self.send(Method::POST, path, &[("content-type", format)], Some(body.into())).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Outcome<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.header("accept-language", "en");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, headers, body })
    }

    /// All items of a list, page by page.
    pub async fn all(&self, path: &str, member: &str) -> Outcome<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}{cursor}")).await?.ok()?;
            items.extend(page[member].as_array().ok_or("no list")?.iter().cloned());
            let joint = if path.contains('?') { '&' } else { '?' };
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("{joint}cursor={next}"),
                None => return Ok(items),
            }
        }
    }
}

/// A world with its server, a partner and its key.
pub struct Town {
    pub world: Arc<World>,
    pub server: Server,
    pub key: String,
}

/// The partner of every town.
pub const METRO: &str = "urn:journeys:metro";

impl Town {
    pub async fn open(world: &Arc<World>) -> Outcome<Self> {
        Self::with(world, Server::start(world).await?).await
    }

    pub async fn with(world: &Arc<World>, server: Server) -> Outcome<Self> {
        let ran = world.run(&["partner", "create", "Metro", "--source", METRO]).await?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        Ok(Self { world: Arc::clone(world), server, key: ran.last_line().to_owned() })
    }

    /// Starts the server again after its end.
    pub async fn restart(&mut self) -> Outcome {
        self.server = Server::start(&self.world).await?;
        Ok(())
    }

    pub fn metro(&self) -> Caller {
        self.server.partner(&self.key)
    }

    /// A person whose card is bound.
    pub async fn rider(&self, phone: &str, card: &str) -> Outcome<Caller> {
        let person = self.server.person(phone).await?;
        person.post("/v1/me/bindings", &json!({ "source": METRO, "subject": card })).await?.ok()?;
        Ok(person)
    }
}

/// A metro ride some hours ago.
pub fn ride(id: &str, card: &str, km: &str, hours_ago: i64) -> Value {
    let at = chrono::Utc::now() - chrono::TimeDelta::hours(hours_ago);
    let distance = serde_json::from_str::<Value>(km).unwrap_or_default();
    json!({
        "specversion": "1.0", "id": id, "source": METRO, "type": "activity.metro_ride", "subject": card,
        "time": at.to_rfc3339(), "data": { "distance_km": distance },
    })
}
