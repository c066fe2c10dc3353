//! Buyers and tills over HTTP/1.1, one connection each.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::draw::Dice;
use crate::error::BenchError;
use crate::load::{Answer, Caller};

const SHOWN_BYTES: usize = 500;
/// Most codes that are kept for the till.
const CODES_MAX: usize = 100_000;

/// Codes of vouchers that nobody has used yet.
#[derive(Debug, Clone, Default)]
pub struct Codes(Arc<Mutex<Vec<String>>>);

impl Codes {
    fn put(&self, code: String) {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() < CODES_MAX {
            codes.push(code);
        }
    }

    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// One connection to the server.
struct Line {
    connection: SendRequest<Full<Bytes>>,
    authority: String,
}

impl Line {
    async fn connect(address: SocketAddr) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Self { connection, authority: address.to_string() })
    }

    async fn post(
        &mut self,
        path: &str,
        token: &str,
        key: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), BenchError> {
        self.connection.ready().await?;
        let request = Request::post(path)
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", key)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| BenchError::Usage(error.to_string()))?;
        let answer = self.connection.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

fn unexpected(status: StatusCode, body: &Bytes) -> BenchError {
    let shown = String::from_utf8_lossy(body.get(..SHOWN_BYTES).unwrap_or(body)).into_owned();
    BenchError::Answer { status: status.as_u16(), body: shown }
}

/// Buys for one citizen after another.
pub struct Buyer {
    line: Line,
    tokens: Arc<Vec<String>>,
    offers: Arc<Vec<Uuid>>,
    codes: Codes,
    dice: Dice,
    sold_in_flash: Option<Arc<AtomicU64>>,
    token: String,
    key: String,
    body: String,
}

impl Buyer {
    /// Connects; draws citizens and offers alike.
    pub async fn connect(
        address: SocketAddr,
        tokens: Arc<Vec<String>>,
        offers: Arc<Vec<Uuid>>,
        codes: Codes,
        dice: Dice,
    ) -> Result<Self, BenchError> {
        let line = Line::connect(address).await?;
        let (token, key, body) = (String::new(), String::new(), String::new());
        Ok(Self { line, tokens, offers, codes, dice, sold_in_flash: None, token, key, body })
    }

    /// Takes `out_of_stock` for an answer too, and counts what was sold.
    pub fn content_with_refusals(self, sold: Arc<AtomicU64>) -> Self {
        Self { sold_in_flash: Some(sold), ..self }
    }
}

fn drawn<T: Clone + Default>(all: &[T], dice: &mut Dice) -> T {
    let place = dice.below(u64::try_from(all.len()).unwrap_or(0));
    usize::try_from(place).ok().and_then(|place| all.get(place)).cloned().unwrap_or_default()
}

impl Caller for Buyer {
    fn events_per_call(&self) -> u64 {
        1
    }

    fn prepare(&mut self) {
        self.token = drawn(&self.tokens, &mut self.dice);
        self.key = self.dice.uuid().to_string();
        let offer: Uuid = drawn(&self.offers, &mut self.dice);
        self.body = format!(r#"{{"offer_id":"{offer}","quantity":1}}"#);
    }

    async fn call(&mut self) -> Result<Answer, BenchError> {
        let body = std::mem::take(&mut self.body);
        let (status, answer) = self.line.post("/v1/redemptions", &self.token, &self.key, body).await?;
        let text = || String::from_utf8_lossy(&answer);
        match (status, &self.sold_in_flash) {
            (StatusCode::SERVICE_UNAVAILABLE, _) => Ok(Answer::Shed),
            (StatusCode::CREATED, flash) => {
                if let Some(sold) = flash {
                    sold.fetch_add(1, Ordering::Relaxed);
                }
                let text = text();
                let code = text.split_once(r#""code":""#).and_then(|(_, rest)| rest.split_once('"'));
                self.codes.put(code.map(|(code, _)| code.to_owned()).unwrap_or_default());
                Ok(Answer::Credited)
            }
            (StatusCode::CONFLICT, Some(_)) if text().contains("out_of_stock") => Ok(Answer::Credited),
            (status, _) => Err(unexpected(status, &answer)),
        }
    }
}

/// Uses vouchers that buyers bought.
pub struct Till {
    line: Line,
    token: String,
    codes: Codes,
    code: Option<String>,
}

impl Till {
    /// Connects.
    pub async fn connect(address: SocketAddr, token: String, codes: Codes) -> Result<Self, BenchError> {
        Ok(Self { line: Line::connect(address).await?, token, codes, code: None })
    }
}

impl Caller for Till {
    fn events_per_call(&self) -> u64 {
        1
    }

    fn prepare(&mut self) {
        if self.code.is_none() {
            self.code = self.codes.take();
        }
    }

    async fn call(&mut self) -> Result<Answer, BenchError> {
        let Some(code) = self.code.take() else { return Ok(Answer::Shed) };
        let body = format!(r#"{{"code":"{code}"}}"#);
        let (status, answer) = self.line.post("/v1/merchant/vouchers/use", &self.token, &code, body).await?;
        if status == StatusCode::OK { Ok(Answer::Credited) } else { Err(unexpected(status, &answer)) }
    }
}
