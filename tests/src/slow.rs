//! A wire to Redis whose answers can be made late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::trouble::Outcome;

/// Carries connections; each answer comes so much later.
#[derive(Debug, Clone)]
pub struct Slow {
    delay_ms: Arc<AtomicU64>,
    address: String,
}

impl Slow {
    /// Lays a wire to the server of a `redis://` address.
    pub async fn lay(server: &str) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let slow = Self { delay_ms: Arc::default(), address: format!("redis://{}", listener.local_addr()?) };
        let server = server.trim_start_matches("redis://").to_owned();
        tokio::spawn(slow.clone().carry(listener, server));
        Ok(slow)
    }

    /// Where the slow server is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From now on answers come so much later.
    pub fn delay(&self, by: Duration) {
        self.delay_ms.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    async fn carry(self, listener: TcpListener, server: String) {
        while let Ok((program, _)) = listener.accept().await {
            let Ok(redis) = TcpStream::connect(&server).await else { return };
            let (mut from_program, to_program) = program.into_split();
            let (from_redis, mut to_redis) = redis.into_split();
            tokio::spawn(self.clone().answer(from_redis, to_program));
            tokio::spawn(async move {
                let _ended = tokio::io::copy(&mut from_program, &mut to_redis).await;
            });
        }
    }

    async fn answer(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 65_536];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            self.until_due().await;
            let Some(heard) = bytes.get(..count) else { return };
            if to.write_all(heard).await.is_err() {
                return;
            }
        }
    }

    async fn until_due(&self) {
        tokio::time::sleep(Duration::from_millis(self.delay_ms.load(Ordering::SeqCst))).await;
    }
}
