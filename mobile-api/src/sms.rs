//! Sends one-time codes through a city's SMS gateway: one POST a code, with a bearer secret.
//!
//! Neither phones nor codes nor the secret reach a log, and never an open network: https, or http to a relay
//! on this machine.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use tanhui_service::identity::code::CODE_TTL_SECONDS;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::sign_in::{CodeSender, NotSent};

/// Longest wait for the gateway.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Where codes are posted, and with which secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsGateway {
    url: Uri,
    bearer: HeaderValue,
}

/// Why a gateway cannot stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmsGatewayError {
    /// One without the other.
    #[error("give both or none")]
    Half,
    /// Not an absolute URL of http or https.
    #[error("the address is not an https URL")]
    NotAUrl,
    /// Codes would cross a network in the open.
    #[error("http is taken for this machine only; use https, or a relay on this machine")]
    InTheOpen,
    /// Not something that a header can carry.
    #[error("the secret has characters that a header cannot carry")]
    Secret,
}

impl SmsGateway {
    /// The gateway that two settings name; an empty one counts as absent.
    pub fn decide(url: Option<String>, secret: Option<String>) -> Result<Option<Self>, SmsGatewayError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (url, secret) = match (given(url), given(secret)) {
            (None, None) => return Ok(None),
            (Some(url), Some(secret)) => (url, secret),
            (Some(_), None) | (None, Some(_)) => return Err(SmsGatewayError::Half),
        };
        let url: Uri = url.parse().map_err(|_| SmsGatewayError::NotAUrl)?;
        match (url.scheme_str(), url.host()) {
            (Some("https"), Some(_)) => {}
            (Some("http"), Some(host)) if is_here(host) => {}
            (Some("http"), Some(_)) => return Err(SmsGatewayError::InTheOpen),
            _ => return Err(SmsGatewayError::NotAUrl),
        }
        let bearer = HeaderValue::try_from(format!("Bearer {secret}"));
        let mut bearer = bearer.map_err(|_| SmsGatewayError::Secret)?;
        bearer.set_sensitive(true);
        Ok(Some(Self { url, bearer }))
    }

    /// Where codes are posted.
    #[must_use]
    pub fn url(&self) -> &Uri {
        &self.url
    }
}

fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What is posted.
#[derive(Serialize)]
struct Message<'a> {
    /// E.164.
    phone: &'a str,
    code: &'a str,
    ttl_seconds: u64,
}

/// A sender that posts `{phone, code, ttl_seconds}`; any 2xx answer means that the gateway has taken it.
pub struct SmsWebhook {
    gateway: SmsGateway,
    client: Client<HttpsConnector<HttpConnector>, Body>,
    timeout: Duration,
}

impl fmt::Debug for SmsWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmsWebhook")
    }
}

impl SmsWebhook {
    /// A sender to a gateway. One whose certificate is of a private authority needs a relay on this machine.
    #[must_use]
    pub fn new(gateway: &SmsGateway) -> Self {
        let connector =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { gateway: gateway.clone(), client, timeout: TIMEOUT }
    }
}

#[async_trait::async_trait]
impl CodeSender for SmsWebhook {
    fn fixed_code(&self) -> Option<&'static str> {
        None
    }

    async fn send(&self, phone: &PhoneNumber, code: &str) -> Result<(), NotSent> {
        let message = Message { phone: phone.as_str(), code, ttl_seconds: CODE_TTL_SECONDS };
        let body = serde_json::to_vec(&message).map_err(|_| failed("the message could not be written"))?;
        let request = Request::post(self.gateway.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, self.gateway.bearer.clone())
            .body(Body::from(body))
            .map_err(|_| failed("the request could not be written"))?;
        match tokio::time::timeout(self.timeout, self.client.request(request)).await {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
            Ok(Ok(answer)) => Err(failed(format!("the gateway answered {}", answer.status()))),
            Ok(Err(error)) => Err(failed(format!("the gateway was not reached: {error}"))),
            Err(_) => Err(failed("the gateway did not answer in time")),
        }
    }
}

fn failed(reason: impl Into<String>) -> NotSent {
    NotSent::Failed(reason.into())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use super::*;

    fn decide(url: &str, secret: &str) -> Result<Option<SmsGateway>, SmsGatewayError> {
        SmsGateway::decide(Some(url.to_owned()), Some(secret.to_owned()))
    }

    #[test]
    fn codes_travel_over_https_or_stay_on_this_machine() {
        for url in
            ["https://sms.example/send", "http://127.0.0.1:9/", "http://[::1]:9/", "http://localhost/x"]
        {
            assert!(decide(url, "s").unwrap().is_some(), "{url}");
        }
        for (url, secret, error) in [
            ("http://sms.example/send", "s", SmsGatewayError::InTheOpen),
            ("http://192.0.2.1/", "s", SmsGatewayError::InTheOpen),
            ("ftp://sms.example/", "s", SmsGatewayError::NotAUrl),
            ("sms.example", "s", SmsGatewayError::NotAUrl),
            ("https://sms.example/", "", SmsGatewayError::Half),
            ("", "s", SmsGatewayError::Half),
            ("https://sms.example/", "a\nb", SmsGatewayError::Secret),
        ] {
            assert_eq!(decide(url, secret).err(), Some(error), "{url}");
        }
        assert!(decide("", "").unwrap().is_none());
    }

    /// A gateway on a free port that answers one status and remembers what it was sent.
    async fn gateway(status: StatusCode) -> (String, Arc<Mutex<Vec<(String, Value)>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let receive = async move |headers: HeaderMap, axum::Json(body): axum::Json<Value>| {
            let bearer = headers["authorization"].to_str().unwrap().to_owned();
            record.lock().unwrap().push((bearer, body));
            status
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/send", listener.local_addr().unwrap());
        let router = Router::new().route("/send", post(receive));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (url, seen)
    }

    async fn send(url: &str, timeout: Duration) -> Result<(), NotSent> {
        let gateway = decide(url, "hush").unwrap().unwrap();
        let sender = SmsWebhook { timeout, ..SmsWebhook::new(&gateway) };
        sender.send(&PhoneNumber::parse("13800000001").unwrap(), "123456").await
    }

    #[tokio::test]
    async fn a_code_is_posted_with_the_secret() {
        let (url, seen) = gateway(StatusCode::ACCEPTED).await;
        send(&url, TIMEOUT).await.unwrap();
        let body = json!({"phone": "+8613800000001", "code": "123456", "ttl_seconds": 300});
        assert_eq!(*seen.lock().unwrap(), [("Bearer hush".to_owned(), body)]);
    }

    #[tokio::test]
    async fn a_gateway_that_refuses_is_told_without_the_phone() {
        let (url, _) = gateway(StatusCode::INTERNAL_SERVER_ERROR).await;
        let error = send(&url, TIMEOUT).await.unwrap_err().to_string();
        assert!(error.contains("500") && !error.contains("138"), "{error}");
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}/", nobody.local_addr().unwrap());
        let error = send(&silent, Duration::from_millis(50)).await.unwrap_err().to_string();
        assert!(error.contains("in time"), "{error}");
        drop(nobody);
        let error = send(&silent, TIMEOUT).await.unwrap_err().to_string();
        assert!(error.contains("not reached"), "{error}");
    }
}
