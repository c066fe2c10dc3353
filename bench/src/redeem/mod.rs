//! `tanhui bench redeem`: how fast points become vouchers, on one hot offer and on a spread of offers, beside
//! the plain row-lock transaction in SQL; what the last customers of a flash sale and the till wait for.

mod caller;
mod plain;
mod report;
mod shop;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::value_parser;

use self::caller::{Buyer, Codes, Till};
use self::plain::Clerk;
use self::report::Checks;
pub use self::report::Report;
use self::report::{Cell, Figure, Settings};
use self::shop::Shop;
use crate::draw::Dice;
use crate::error::BenchError;
use crate::flags::{self, LoadFlags};
use crate::load::{self, Bounds, Pace, Tally};
use crate::place::{self, Place};
use crate::server::{Program, Server};
use crate::spread::per_second;

/// Citizens of a quick run.
const QUICK_CITIZENS: u32 = 64;
/// What a flash sale sells, and how many ask for it.
const FLASH: (i64, u64) = (100, 2_000);
/// The same of a quick run.
const QUICK_FLASH: (i64, u64) = (10, 200);
/// Tills side by side.
const TILLS: u32 = 4;
/// Connections with which a row lock is often fastest.
const FEW: u32 = 8;

/// How to run.
#[derive(Debug, Clone, clap::Args)]
pub struct RedeemArguments {
    /// Where the server runs, and how long it is loaded
    #[command(flatten)]
    pub load: LoadFlags,
    /// Citizens who buy
    #[arg(long, value_name = "N", default_value_t = 2_000,
          value_parser = value_parser!(u32).range(64..=100_000))]
    pub citizens: u32,
    /// Buyers at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = value_parser!(u32).range(1..=1_000))]
    pub buyers: u32,
    /// Offers of the spread
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000))]
    pub offers: u32,
}

/// Runs the benchmark against a program, telling each step to `progress`.
///
/// # Errors
/// Flags out of bounds, a server that does not answer, one sold too many, books that are wrong.
pub async fn run(
    arguments: &RedeemArguments,
    binary: PathBuf,
    mut progress: impl FnMut(&str),
) -> Result<Report, BenchError> {
    let place = arguments.load.place().await?;
    let run = uuid::Uuid::now_v7().simple();
    let names = ["ours", "plain"].map(|who| format!("tanhui_bench_redeem_{who}_{run}"));
    let report = Box::pin(measure(arguments, place.as_ref(), &names, binary, &mut progress)).await;
    if let Some(place) = &place {
        for name in &names {
            place.drop(name).await?;
        }
    }
    let report = report?;
    flags::keep(&report, arguments.load.json.as_ref())?;
    Ok(report)
}

async fn measure(
    arguments: &RedeemArguments,
    place: Option<&Place>,
    [ours, plain]: &[String; 2],
    binary: PathBuf,
    progress: &mut impl FnMut(&str),
) -> Result<Report, BenchError> {
    let settings = settings(arguments);
    let folder = tempfile::tempdir()?;
    progress("setting up the shop");
    let program = arguments.load.program(binary, folder.path());
    let url = place::make(place, ours, folder.path()).await?;
    let shop = Shop::found(&program, &url, &settings).await?;
    if let Some(place) = place {
        place.create(plain, None).await?;
        plain::found(place, plain, &settings).await?;
    }
    let server = Server::start(&program, &url).await?;
    let plain = place.map(|place| (place.clone(), plain.clone()));
    let mut field = Field::new(shop, server.address(), plain, settings.clone());
    let figures = rounds(&mut field, progress).await;
    server.stop().await?;
    let figures = figures?;
    progress("auditing");
    let checks = field.check(&program, &url).await?;
    Report::new(settings, place, figures, checks).await
}

fn settings(arguments: &RedeemArguments) -> Settings {
    let RedeemArguments { load, citizens, buyers, offers } = arguments;
    Settings {
        database: load.database(),
        redis: load.redis.is_some(),
        citizens: if load.quick { QUICK_CITIZENS } else { *citizens },
        buyers: *buyers,
        offers: *offers,
        cell_ms: load.cell_ms(),
        warm_up_ms: load.warm_up_ms(),
        rounds: load.rounds(),
        flash: if load.quick { QUICK_FLASH } else { FLASH },
    }
}

async fn rounds(
    field: &mut Field,
    progress: &mut impl FnMut(&str),
) -> Result<Vec<(Cell, Vec<Figure>)>, BenchError> {
    let mut figures: Vec<(Cell, Vec<Figure>)> =
        Cell::ALL.into_iter().filter(|cell| field.can(*cell)).map(|cell| (cell, Vec::new())).collect();
    for round in 1..=field.settings.rounds {
        for (cell, of_cell) in &mut figures {
            let figure = field.measure(*cell).await?;
            let Figure { per_second, p50_us, p99_us, .. } = figure;
            progress(&format!("round {round}: {cell}: {per_second}/s, p50 {p50_us} us, p99 {p99_us} us"));
            of_cell.push(figure);
        }
    }
    Ok(figures)
}

/// Those who take part, and what they were told.
struct Field {
    shop: Shop,
    address: std::net::SocketAddr,
    plain: Option<(Place, String)>,
    settings: Settings,
    codes: Codes,
    cells_measured: u64,
    sold: u64,
    used: u64,
    plain_sold: u64,
}

impl Field {
    fn new(
        shop: Shop,
        address: std::net::SocketAddr,
        plain: Option<(Place, String)>,
        settings: Settings,
    ) -> Self {
        let codes = Codes::default();
        Self { shop, address, plain, settings, codes, cells_measured: 0, sold: 0, used: 0, plain_sold: 0 }
    }

    fn can(&self, cell: Cell) -> bool {
        self.plain.is_some() || !cell.is_plain()
    }

    async fn measure(&mut self, cell: Cell) -> Result<Figure, BenchError> {
        if let Some((place, _)) = &self.plain {
            place.checkpoint().await?;
        }
        self.cells_measured = self.cells_measured.saturating_add(1);
        let bounds = Bounds {
            warm_up: Duration::from_millis(self.settings.warm_up_ms),
            time: Some(Duration::from_millis(self.settings.cell_ms)),
            events_max: u64::MAX,
        };
        match cell {
            Cell::OursHot => self.buy(1, bounds).await,
            Cell::OursSpread => self.buy(self.settings.offers, bounds).await,
            Cell::PlainHot => self.lock(self.settings.buyers, 1, bounds).await,
            Cell::PlainHotFew => self.lock(FEW, 1, bounds).await,
            Cell::PlainSpread => self.lock(self.settings.buyers, self.settings.offers, bounds).await,
            Cell::FlashSale => self.flash_sale().await,
            Cell::Use => self.use_vouchers(bounds).await,
        }
    }

    fn seed(&self, caller: u32) -> Dice {
        Dice::seeded((self.cells_measured << 32) | u64::from(caller))
    }

    async fn buyers(&self, offers: Vec<uuid::Uuid>) -> Result<Vec<Buyer>, BenchError> {
        let (tokens, offers) = (self.shop.tokens()?, Arc::new(offers));
        let mut buyers = Vec::new();
        for caller in 0..self.settings.buyers {
            let (tokens, offers) = (Arc::clone(&tokens), Arc::clone(&offers));
            let codes = self.codes.clone();
            buyers.push(Buyer::connect(self.address, tokens, offers, codes, self.seed(caller)).await?);
        }
        Ok(buyers)
    }

    async fn buy(&mut self, offers: u32, bounds: Bounds) -> Result<Figure, BenchError> {
        let buyers = self.buyers(self.shop.offers(offers)).await?;
        let tally = load::drive(buyers, Pace::Closed, bounds).await?;
        self.sold = self.sold.saturating_add(tally.acknowledged);
        Ok(figure(&tally))
    }

    async fn lock(&mut self, connections: u32, offers: u32, bounds: Bounds) -> Result<Figure, BenchError> {
        let Some((place, database)) = &self.plain else {
            return Err(BenchError::Usage("the plain transaction needs --postgres".to_owned()));
        };
        let mut clerks = Vec::new();
        for caller in 0..connections {
            let dice = self.seed(caller);
            clerks.push(Clerk::connect(place, database, (self.settings.citizens, offers), dice).await?);
        }
        let tally = load::drive(clerks, Pace::Closed, bounds).await?;
        self.plain_sold = self.plain_sold.saturating_add(tally.acknowledged);
        Ok(figure(&tally))
    }

    /// Thousands ask for what there are a hundred of: exactly so many get one, the others an answer.
    async fn flash_sale(&mut self) -> Result<Figure, BenchError> {
        let (stock, asked) = self.settings.flash;
        let offer = self.shop.open_offer(stock).await?;
        let sold = Arc::new(AtomicU64::new(0));
        let buyers = self.buyers(vec![offer]).await?;
        let buyers: Vec<Buyer> =
            buyers.into_iter().map(|buyer| buyer.content_with_refusals(Arc::clone(&sold))).collect();
        let bounds = Bounds { warm_up: Duration::ZERO, time: None, events_max: asked };
        let tally = load::drive(buyers, Pace::Closed, bounds).await?;
        let sold = sold.load(Ordering::Relaxed);
        self.sold = self.sold.saturating_add(sold);
        if i64::try_from(sold) != Ok(stock) {
            return Err(BenchError::Wrong(format!("{sold} sold of a stock of {stock}")));
        }
        Ok(figure(&tally))
    }

    async fn use_vouchers(&mut self, bounds: Bounds) -> Result<Figure, BenchError> {
        let token = self.shop.staff_token()?;
        let mut tills = Vec::new();
        for _ in 0..TILLS {
            tills.push(Till::connect(self.address, token.clone(), self.codes.clone()).await?);
        }
        let most = self.codes.count();
        let tally = load::drive(tills, Pace::Closed, Bounds { events_max: most, ..bounds }).await?;
        self.used = self.used.saturating_add(tally.acknowledged);
        Ok(figure(&tally))
    }

    /// Compares what was told with what is stored, and audits. Any difference is an error.
    async fn check(&self, program: &Program, url: &str) -> Result<Checks, BenchError> {
        let audit = program.audit(url).await?;
        let member = |pointer: &str| audit.pointer(pointer).cloned().unwrap_or_default();
        if member("/ok") != serde_json::Value::Bool(true) {
            return Err(BenchError::Wrong(format!("the audit says {}", member("/violations"))));
        }
        let spent = member("/totals/POINTS/spent").as_u64().unwrap_or(0);
        if spent != self.sold {
            return Err(BenchError::Wrong(format!("{} sold for a point each, {spent} spent", self.sold)));
        }
        if let Some((place, database)) = &self.plain {
            plain::check(place, database, self.plain_sold).await?;
        }
        let (sold, used) = (self.sold, self.used);
        Ok(Checks { sold, spent, used, oversold: 0, audit_ok: true, plain_ok: self.plain.is_some() })
    }
}

fn figure(tally: &Tally) -> Figure {
    Figure {
        count: tally.events,
        per_second: per_second(tally.events, tally.time),
        p50_us: tally.latencies.percentile_us(50),
        p99_us: tally.latencies.percentile_us(99),
        max_us: tally.latencies.max_us(),
    }
}
