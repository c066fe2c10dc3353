//! Posts events over HTTP/1.1, one connection a caller, and insists that every one is credited.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::town::{Town, event, moment};
use crate::draw::{Dice, Draw};
use crate::error::BenchError;
use crate::load::{Answer, Caller};

const SHOWN_BYTES: usize = 500;

/// One connection of the partner.
pub struct Poster {
    connection: SendRequest<Full<Bytes>>,
    authority: String,
    bearer: String,
    batch: u32,
    draw: Draw,
    dice: Dice,
    moment: String,
    prefix: String,
    serial: u64,
    body: Bytes,
}

/// The counts at the head of an answer; what follows is not read.
#[derive(Deserialize)]
struct Counts {
    credited: u64,
}

impl Poster {
    /// Connects. The prefix must be no other caller's: ids begin with it.
    pub async fn connect(
        address: SocketAddr,
        town: &Town,
        batch: u32,
        draw: Draw,
        prefix: String,
        seed: u64,
    ) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            connection: sender,
            authority: address.to_string(),
            bearer: format!("Bearer {}", town.key),
            batch,
            draw,
            dice: Dice::seeded(seed),
            moment: moment(town.occurred_at),
            prefix,
            serial: 0,
            body: Bytes::new(),
        })
    }

    fn next_event(&mut self) -> String {
        self.serial = self.serial.saturating_add(1);
        let id = format!("{}-{:07}", self.prefix, self.serial);
        event(&id, self.draw.next(&mut self.dice), &self.moment)
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, BenchError> {
        let kind = if self.batch == 1 {
            "application/cloudevents+json"
        } else {
            "application/cloudevents-batch+json"
        };
        let request = Request::post("/v1/partner/events")
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, &self.bearer)
            .header(CONTENT_TYPE, kind)
            .body(Full::new(self.body.clone()));
        request.map_err(|error| BenchError::Usage(error.to_string()))
    }
}

impl Caller for Poster {
    fn events_per_call(&self) -> u64 {
        u64::from(self.batch)
    }

    fn prepare(&mut self) {
        let mut body = self.next_event();
        if self.batch > 1 {
            body.insert(0, '[');
            for _ in 1..self.batch {
                body.push(',');
                body.push_str(&self.next_event());
            }
            body.push(']');
        }
        self.body = Bytes::from(body);
    }

    async fn call(&mut self) -> Result<Answer, BenchError> {
        self.connection.ready().await?;
        let answer = self.connection.send_request(self.request()?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Ok(Answer::Shed);
        }
        let counts: Option<Counts> =
            if status == StatusCode::OK { Some(serde_json::from_slice(&body)?) } else { None };
        if counts.is_some_and(|counts| counts.credited == u64::from(self.batch)) {
            return Ok(Answer::Credited);
        }
        let shown = String::from_utf8_lossy(body.get(..SHOWN_BYTES).unwrap_or(&body)).into_owned();
        Err(BenchError::Answer { status: status.as_u16(), body: shown })
    }
}
