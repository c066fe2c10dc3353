//! A wire between the program and PostgreSQL that can be cut at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::stage::Stage;
use crate::trouble::Outcome;

const COMMIT: &[u8] = b"COMMIT";

/// Carries connections. Once armed, it cuts the next one that commits: the server hears it, nobody the
/// answer.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    cuts_due: Arc<AtomicU32>,
}

impl Wire {
    /// Lays a wire to the database of a test; the stage that comes back reaches it through the wire.
    pub async fn lay(stage: &Stage) -> Outcome<(Self, Stage)> {
        let (head, database) = stage.url.rsplit_once('/').ok_or("no database in the URL")?;
        let (user, server) = head.rsplit_once('@').ok_or("no user in the URL")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("{user}@{}/{database}", listener.local_addr()?);
        let (wire, server) = (Self::default(), server.to_owned());
        tokio::spawn(wire.clone().carry(listener, server));
        Ok((wire, Stage { url, ..stage.clone() }))
    }

    /// Cuts at the next so many commits.
    pub fn arm(&self, cuts: u32) {
        self.cuts_due.store(cuts, Ordering::SeqCst);
    }

    /// How many cuts have not happened yet.
    #[must_use]
    pub fn cuts_due(&self) -> u32 {
        self.cuts_due.load(Ordering::SeqCst)
    }

    async fn carry(self, listener: TcpListener, server: String) {
        while let Ok((program, _)) = listener.accept().await {
            let Ok(database) = TcpStream::connect(&server).await else { return };
            let (from_program, to_program) = program.into_split();
            let (from_database, to_database) = database.into_split();
            let answers = tokio::spawn(pass_on(from_database, to_program));
            let wire = self.clone();
            tokio::spawn(async move { wire.pass_on_until_cut(from_program, to_database, answers).await });
        }
    }

    async fn pass_on_until_cut(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        answers: JoinHandle<()>,
    ) {
        let mut bytes = vec![0; 65_536];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let Some(heard) = bytes.get(..count) else { return };
            let commits = heard.windows(COMMIT.len()).any(|word| word == COMMIT);
            if commits && self.take_cut() {
                answers.abort();
                let _silenced = answers.await;
                let _heard_by_nobody = to.write_all(heard).await;
                return;
            }
            if to.write_all(heard).await.is_err() {
                return;
            }
        }
    }

    fn take_cut(&self) -> bool {
        let less = |due: u32| due.checked_sub(1);
        self.cuts_due.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ended = tokio::io::copy(&mut from, &mut to).await;
}
