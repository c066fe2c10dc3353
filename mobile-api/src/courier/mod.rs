//! Carries webhooks over HTTPS to addresses on the open internet and nowhere else.
//!
//! Where a name leads is looked at when the connection is made, and the connection goes to what was looked
//! at: a name cannot lead elsewhere in between. Redirects are not followed, and answers are not read.

mod address;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use tanhui_service::webhook::{Courier, Letter, Lost, TIMEOUT};
use tower::Service;

use self::address::Reach;

/// Carries letters over HTTPS; in a demo also to this machine over HTTP.
pub struct HttpCourier {
    reach: Reach,
    timeout: Duration,
    client: Client<HttpsConnector<HttpConnector<Guard>>, Body>,
}

impl fmt::Debug for HttpCourier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpCourier")
    }
}

impl HttpCourier {
    /// A courier to the open internet; in a demo also to this machine.
    #[must_use]
    pub fn new(demo: bool) -> Self {
        let reach = Reach { here: demo };
        let mut http = HttpConnector::new_with_resolver(Guard(reach));
        http.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Self { reach, timeout: TIMEOUT, client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

#[async_trait::async_trait]
impl Courier for HttpCourier {
    fn takes(&self, url: &str) -> bool {
        url.parse().is_ok_and(|url: Uri| self.reach.takes(&url))
    }

    async fn carry(&self, url: &str, letter: &Letter) -> Result<u16, Lost> {
        let url: Uri = url.parse().map_err(|_| lost("not an address"))?;
        if !self.reach.takes(&url) {
            return Err(lost("not an address that is told anything"));
        }
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "tanhui-webhooks")
            .header("webhook-id", &letter.id)
            .header("webhook-timestamp", letter.timestamp)
            .header("webhook-signature", &letter.signature)
            .body(Body::from(letter.body.clone()))
            .map_err(|_| lost("the request could not be written"))?;
        match tokio::time::timeout(self.timeout, self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer.status().as_u16()),
            Ok(Err(error)) => Err(Lost(cause(&error))),
            Err(_) => Err(Lost(format!("no answer within {} s", self.timeout.as_secs()))),
        }
    }
}

fn lost(why: &str) -> Lost {
    Lost(why.to_owned())
}

/// The innermost reason, which names neither our addresses nor our machines.
fn cause(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    format!("not reached: {inner}")
}

/// Resolves names to addresses within reach.
#[derive(Debug, Clone, Copy)]
struct Guard(Reach);

impl Service<Name> for Guard {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let within: Vec<SocketAddr> = found.filter(|address| reach.includes(address.ip())).collect();
            if within.is_empty() {
                return Err(std::io::Error::other("the name leads to no address on the open internet"));
            }
            Ok(within.into_iter())
        })
    }
}
