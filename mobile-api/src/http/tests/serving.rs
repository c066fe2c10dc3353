use axum::extract::ConnectInfo;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;
use crate::http::server::{ServeLimits, serve};

const LIMITS: ServeLimits = ServeLimits {
    connections_max: 16,
    header_timeout: Duration::from_secs(10),
    shutdown_grace: Duration::from_secs(10),
};

async fn started(
    application: Router,
    limits: ServeLimits,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(serve(listener, application, limits, async {
        let _sender_gone = stopped.await;
    }));
    (address, stop, server)
}

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_application_serves_probes_docs_and_its_own_description() {
    let app = router::application(state(), &limits()).unwrap();
    let (address, stop, server) = started(app, LIMITS).await;
    let get = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        async move { exchange(address, &request).await }
    };
    assert!(get("/healthz").await.contains(r#""status":"ok""#));
    assert!(get("/readyz").await.contains(r#""cache":"in_process""#));
    assert!(get("/metrics").await.contains(r#"route="/healthz""#));
    assert!(get("/docs").await.contains("/docs/page.js"));
    assert!(get("/docs/page.css").await.contains("text/css"));
    let description = get("/openapi.json").await;
    let json: Value = serde_json::from_str(description.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(json["openapi"], "3.1.0");
    let answers = &json["paths"]["/healthz"]["get"]["responses"];
    assert!(answers["200"].is_object() && answers["default"].is_object(), "{answers}");
    assert!(json["x-problem-codes"].as_array().unwrap().len() > 10);
    assert!(get("/no/such/place").await.starts_with("HTTP/1.1 404"));
    assert!(get("/metrics").await.contains(r#"route="unmatched""#));
    stop.send(()).unwrap();
    assert!(server.await.unwrap());
}

#[tokio::test]
async fn a_running_request_is_finished_before_the_server_stops() {
    let (entered, mut inside) = tokio::sync::mpsc::channel(1);
    let (release, gate) = tokio::sync::watch::channel(false);
    let app = Router::new().route(
        "/",
        get(async move |ConnectInfo(peer): ConnectInfo<SocketAddr>| {
            entered.send(()).await.unwrap();
            gate.clone().wait_for(|open| *open).await.unwrap();
            peer.ip().to_string()
        }),
    );
    let (address, stop, server) = started(app, LIMITS).await;
    let client = tokio::spawn(exchange(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    inside.recv().await.unwrap();
    stop.send(()).unwrap();
    // The listener closes first: new callers are turned away while the old one is still served.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.is_finished());
    release.send(true).unwrap();
    assert!(client.await.unwrap().ends_with("127.0.0.1"));
    assert!(server.await.unwrap());
}

#[tokio::test]
async fn a_request_past_the_grace_is_cut_off() {
    let limits = ServeLimits { shutdown_grace: Duration::from_millis(10), ..LIMITS };
    let (entered, mut inside) = tokio::sync::mpsc::channel(1);
    let app = Router::new().route(
        "/",
        get(async move || {
            entered.send(()).await.unwrap();
            std::future::pending::<String>().await
        }),
    );
    let (address, stop, server) = started(app, limits).await;
    let client = tokio::spawn(exchange(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    inside.recv().await.unwrap();
    stop.send(()).unwrap();
    assert!(!server.await.unwrap());
    client.abort();
}

#[tokio::test]
async fn a_caller_that_never_finishes_its_headers_is_dropped() {
    let limits = ServeLimits { header_timeout: Duration::from_millis(50), ..LIMITS };
    let (address, stop, server) = started(Router::new(), limits).await;
    let answer = exchange(address, "GET / HTTP/1.1\r\nhost: ").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    stop.send(()).unwrap();
    assert!(server.await.unwrap());
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let limits = ServeLimits { connections_max: 1, ..LIMITS };
    let (address, stop, server) = started(Router::new(), limits).await;
    let first = TcpStream::connect(address).await.unwrap();
    let second = tokio::spawn(exchange(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
    let waited = tokio::time::timeout(Duration::from_millis(100), async {
        while !second.is_finished() {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_err(), "the second connection was served beside the first");
    drop(first);
    assert!(second.await.unwrap().starts_with("HTTP/1.1 404"));
    stop.send(()).unwrap();
    assert!(server.await.unwrap());
}
