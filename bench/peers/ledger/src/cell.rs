//! One measured cell, and the check of every balance after it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cala_ledger::posting::PostingInput;
use cala_ledger::{AccountId, CalaLedger, Currency, TransactionId};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Outcome;
use crate::books::{self, POINTS, REDUCTION, TEMPLATE};

/// The library refuses a batch over more balances than this, its own programme's two included.
const BALANCES_PER_BATCH_MAX: u32 = 1_000;
const BALANCES_PER_READ: usize = 500;

/// What to measure.
#[derive(Clone, Copy)]
pub struct Cell {
    pub citizens: u32,
    pub batch: u32,
    pub tasks: u32,
    pub millis: u64,
    pub warm_millis: u64,
    pub points: Decimal,
    pub milligrams: Decimal,
}

struct Shared {
    cala: CalaLedger,
    cell: Cell,
    run: String,
    serial: AtomicU64,
    credited: Vec<AtomicU32>,
    from: Instant,
    until: Instant,
}

#[derive(Default)]
struct Tally {
    latencies_us: Vec<u64>,
    events: u64,
    acknowledged: u64,
}

/// Runs the load, then compares all balances with those before plus what was posted.
pub async fn run(url: &str, cell: Cell) -> Outcome<Value> {
    let (cala, jobs) = books::open(url, cell.tasks + 6).await?;
    let before = balances(&cala, cell.citizens).await?;
    let from = Instant::now() + Duration::from_millis(cell.warm_millis);
    let shared = Arc::new(Shared {
        cala,
        cell,
        run: Uuid::now_v7().simple().to_string(),
        serial: AtomicU64::new(0),
        credited: (0..cell.citizens).map(|_| AtomicU32::new(0)).collect(),
        from,
        until: from + Duration::from_millis(cell.millis),
    });
    let tasks: Vec<_> = (0..cell.tasks).map(|_| tokio::spawn(keep_posting(Arc::clone(&shared)))).collect();
    let mut all = Tally::default();
    for task in tasks {
        let tally = task.await??;
        all.latencies_us.extend(tally.latencies_us);
        all.events += tally.events;
        all.acknowledged += tally.acknowledged;
    }
    check(&shared, &before, all.acknowledged).await?;
    jobs.shutdown().await?;
    all.latencies_us.sort_unstable();
    let percentile = |percent: usize| {
        let place = (all.latencies_us.len() * percent).div_ceil(100).saturating_sub(1);
        all.latencies_us.get(place).copied().unwrap_or(0)
    };
    Ok(json!({
        "events": all.events, "time_us": cell.millis * 1_000, "acknowledged": all.acknowledged,
        "p50_us": percentile(50), "p99_us": percentile(99), "max_us": percentile(100),
    }))
}

async fn keep_posting(shared: Arc<Shared>) -> Outcome<Tally> {
    let mut tally = Tally::default();
    while Instant::now() < shared.until {
        let who = draw(&shared.cell);
        let credits: Vec<_> = who.iter().map(|number| credit(&shared, *number)).collect();
        let begun = Instant::now();
        post(&shared, credits).await?;
        let ended = Instant::now();
        for number in &who {
            shared.credited[*number as usize].fetch_add(1, Ordering::Relaxed);
        }
        tally.acknowledged += who.len() as u64;
        if ended >= shared.from && ended <= shared.until {
            tally.events += who.len() as u64;
            tally.latencies_us.push((ended - begun).as_micros() as u64);
        }
    }
    Ok(tally)
}

fn credit(shared: &Shared, number: u32) -> cala_ledger::tx_template::Params {
    let serial = shared.serial.fetch_add(1, Ordering::Relaxed);
    let external_id = format!("{}-{serial}", shared.run);
    books::credit(number, external_id, shared.cell.points, shared.cell.milligrams)
}

async fn post(shared: &Shared, mut credits: Vec<cala_ledger::tx_template::Params>) -> Outcome<()> {
    if shared.cell.batch == 1 {
        let credit = credits.pop().ok_or("an empty batch")?;
        shared.cala.post_transaction(TransactionId::new(), TEMPLATE, credit).await?;
        return Ok(());
    }
    let inputs = credits.into_iter().map(|credit| PostingInput::new(TransactionId::new(), TEMPLATE, credit));
    shared.cala.post_transactions(inputs.collect()).await?;
    Ok(())
}

/// Citizens of one call: all alike, in a batch too wide for the library from a window that it takes.
fn draw(cell: &Cell) -> Vec<u32> {
    let widest = (BALANCES_PER_BATCH_MAX - 2) / 2;
    let (first, among) = match cell.batch {
        narrow if narrow <= widest => (0, cell.citizens),
        _ => (dice(cell.citizens), widest.min(cell.citizens)),
    };
    (0..cell.batch).map(|_| (first + dice(among)) % cell.citizens).collect()
}

/// A number below a bound, from the random bits of a version 4 UUID.
fn dice(below: u32) -> u32 {
    let bits = Uuid::new_v4().as_u64_pair().1 as u32;
    ((u64::from(bits) * u64::from(below)) >> 32) as u32
}

type Balances = HashMap<(AccountId, &'static str), Decimal>;

async fn balances(cala: &CalaLedger, citizens: u32) -> Outcome<Balances> {
    let mut found = Balances::new();
    let accounts: Vec<AccountId> = (0..citizens).map(books::citizen).chain([books::programme()]).collect();
    for part in accounts.chunks(BALANCES_PER_READ) {
        for code in [POINTS, REDUCTION] {
            let currency: Currency = code.parse()?;
            let ids: Vec<_> = part.iter().map(|account| (books::journal(), *account, currency)).collect();
            let all: HashMap<_, _> = cala.balances().find_all(&ids).await?;
            for ((_, account, _), balance) in all {
                found.insert((account, code), balance.settled());
            }
        }
    }
    Ok(found)
}

async fn check(shared: &Shared, before: &Balances, acknowledged: u64) -> Outcome<()> {
    let after = balances(&shared.cala, shared.cell.citizens).await?;
    let moved = |account: AccountId, code: &'static str| {
        let of = |balances: &Balances| balances.get(&(account, code)).copied().unwrap_or_default();
        of(&after) - of(before)
    };
    let expect = |account: AccountId, count: Decimal| -> Outcome<()> {
        for (code, unit) in [(POINTS, shared.cell.points), (REDUCTION, shared.cell.milligrams)] {
            let found = moved(account, code);
            if found != unit * count {
                return Err(format!("account {account}: {found} {code}, {} expected", unit * count).into());
            }
        }
        Ok(())
    };
    for (number, count) in (0..).zip(&shared.credited) {
        expect(books::citizen(number), count.load(Ordering::Relaxed).into())?;
    }
    expect(books::programme(), acknowledged.into())
}
