//! SIGTERM: what is under way is finished, nothing new is taken, the exit code is 0.

use std::sync::Arc;

use tanhui_tests::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::process::wait_for;
use crate::server::{Town, ride};
use crate::world::{World, each_store};

each_store!(a_running_request_is_finished);

async fn a_running_request_is_finished(world: Arc<World>) -> Outcome {
    let mut town = Town::open(&world).await?;
    town.rider("13800000001", "card-1").await?;
    let address = town.server.base().trim_start_matches("http://").to_owned();
    let body = ride("last-ride", "card-1", "1", 1).to_string();
    let head = format!(
        "POST /v1/partner/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/cloudevents+json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        town.key,
        body.len()
    );
    let mut connection = TcpStream::connect(&address).await?;
    connection.write_all(head.as_bytes()).await?;
    // The server asks for the body, so the request is inside.
    let mut begun = [0; 25];
    connection.read_exact(&mut begun).await?;
    assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
    town.server.process().ask_to_stop()?;
    wait_for("new connections to be refused", || async {
        Ok(TcpStream::connect(&address).await.is_err().then_some(()))
    })
    .await?;
    connection.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""credited":1"#), "{answer}");
    let ran = town.server.ended().await?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("told to stop by SIGTERM") && ran.err.contains("stopped"), "{ran:?}");
    assert_eq!(world.audit().await?["activities"]["credited"], 1);
    Ok(())
}
