//! A merchant's own little HTTP server, which is told what happens and checks by hand who says so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tanhui_tests::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longest message that is read.
const BYTES_MAX: usize = 100_000;

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// What was answered.
    pub status: u16,
}

impl Received {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn kind(&self) -> Outcome<String> {
        let body: Value = serde_json::from_str(&self.body)?;
        Ok(body["type"].as_str().ok_or("a message without a type")?.to_owned())
    }

    /// As standardwebhooks.com says it is checked.
    pub fn is_signed_with(&self, secret: &str) -> Outcome<bool> {
        let secret = STANDARD.decode(secret.strip_prefix("whsec_").ok_or("no secret")?)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret)?;
        let timestamp = &self.headers["webhook-timestamp"];
        mac.update(format!("{}.{timestamp}.{}", self.id(), self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        Ok(self.headers["webhook-signature"].split(' ').any(|one| one == expected))
    }
}

#[derive(Default)]
struct Book {
    received: Vec<Received>,
    answers: VecDeque<u16>,
}

pub struct Receiver {
    url: String,
    book: Arc<Mutex<Book>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Listens on a free port; gives these answers first, then 200.
    pub async fn start(answers: &[u16]) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/told", listener.local_addr()?);
        let answers = answers.iter().copied().collect();
        let book = Arc::new(Mutex::new(Book { received: Vec::new(), answers }));
        let serving = tokio::spawn(serve(listener, Arc::clone(&book)));
        Ok(Self { url, book, serving })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn received(&self) -> Vec<Received> {
        self.book.lock().map(|book| book.received.clone()).unwrap_or_default()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, book: Arc<Mutex<Book>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _broken_off = answer(stream, &book).await;
    }
}

async fn answer(mut stream: TcpStream, book: &Mutex<Book>) -> Outcome {
    let (headers, body) = read(&mut stream).await?;
    let status = {
        let mut book = book.lock().map_err(|_| "a torn book")?;
        let status = book.answers.pop_front().unwrap_or(200);
        book.received.push(Received { headers, body, status });
        status
    };
    let head = format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    Ok(stream.write_all(head.as_bytes()).await?)
}

async fn read(stream: &mut TcpStream) -> Outcome<(BTreeMap<String, String>, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let pairs = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: BTreeMap<String, String> =
                pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
            let length: usize = headers.get("content-length").ok_or("no length")?.parse()?;
            if body.len() >= length {
                return Ok((headers, body.to_owned()));
            }
        }
        if bytes.len() > BYTES_MAX || stream.read_buf(&mut bytes).await? == 0 {
            return Err("no whole message".into());
        }
    }
}
