//! Three server processes on one database, raced over HTTP: whoever is first wins, and nobody wins twice.

use std::sync::Arc;

use serde_json::json;
use tanhui_tests::Outcome;

use crate::market::{Market, USE, VOID, at_till, buy, count, give_back, hold, points, word};
use crate::sale::rich;
use crate::server::{Answer, Caller, Server};
use crate::world::{World, across_servers};

across_servers!(
    the_last_item_and_the_last_points,
    tills_against_each_other_and_against_the_holder,
    a_void_against_an_approval_and_a_use_against_a_close,
    a_stop_against_buyers_and_tills,
);

/// A market that is served by three processes.
struct Three {
    market: Market,
    others: [Server; 2],
}

impl Three {
    async fn open(world: &Arc<World>) -> Outcome<Self> {
        let market = Market::open(world).await?;
        let others = [Server::start(world).await?, Server::start(world).await?];
        Ok(Self { market, others })
    }

    /// The same caller at each of the processes.
    fn everywhere(&self, caller: &Caller) -> [Caller; 3] {
        let [one, other] = &self.others;
        [caller.clone(), caller.at(one), caller.at(other)]
    }
}

/// What each said, in alphabetical order.
fn words<const N: usize>(answers: [Outcome<Answer>; N]) -> Outcome<Vec<String>> {
    let words = answers.into_iter().map(|answer| Ok(word(&answer?).to_owned()));
    let mut words = words.collect::<Outcome<Vec<String>>>()?;
    words.sort();
    Ok(words)
}

/// Redeems at all processes at once.
async fn buy_everywhere(citizen: &[Caller; 3], offer: &str, keys: &[String; 3]) -> [Outcome<Answer>; 3] {
    let answers = tokio::join!(
        buy(&citizen[0], offer, 1, &keys[0]),
        buy(&citizen[1], offer, 1, &keys[1]),
        buy(&citizen[2], offer, 1, &keys[2]),
    );
    answers.into()
}

async fn the_last_item_and_the_last_points(world: Arc<World>) -> Outcome {
    let three = Three::open(&world).await?;
    let (scarce, dear) = (three.market.offer(1, 7).await?, three.market.offer(300, 100).await?);
    let (anna, boris) = (rich(&three.market.town, 1).await?, rich(&three.market.town, 2).await?);
    let (annas, borises) = (three.everywhere(&anna), three.everywhere(&boris));
    let mut bought = 0;
    for round in 0..3 {
        let keys = [0, 1, 2].map(|who| format!("round-{round}-{who}"));
        let both =
            tokio::join!(buy_everywhere(&annas, &scarce, &keys), buy_everywhere(&borises, &scarce, &keys),);
        for words in [words(both.0)?, words(both.1)?] {
            assert!(words.iter().all(|word| ["done", "out_of_stock"].contains(&word.as_str())), "{words:?}");
            bought += words.iter().filter(|word| *word == "done").count();
        }
    }
    assert_eq!(bought, 7, "all of the stock and no more");
    let before = points(&boris).await?;
    let keys = [1, 2, 3].map(|number| format!("dear-{number}"));
    let answers = buy_everywhere(&borises, &dear, &keys).await;
    assert_eq!(words(answers)?, ["done", "done", "insufficient_points"], "{before} points");
    assert_eq!(points(&boris).await?, before - 600);
    let mut made = Vec::new();
    for answer in buy_everywhere(&annas, &dear, &["one-key"; 3].map(str::to_owned)).await {
        made.push(answer?.ok()?["id"].clone());
    }
    assert!(made.iter().all(|id| *id == made[0]), "one key is one redemption: {made:?}");
    world.audit().await.map(drop)
}

async fn tills_against_each_other_and_against_the_holder(world: Arc<World>) -> Outcome {
    let three = Three::open(&world).await?;
    let offer = three.market.offer(1, 100).await?;
    let anna = rich(&three.market.town, 1).await?;
    let before = points(&anna).await?;
    let (tills, annas) = (three.everywhere(&three.market.till), three.everywhere(&anna));
    let held = hold(&anna, &offer, 20).await?;
    let mut used = 0;
    for (number, voucher) in held.iter().enumerate() {
        let [one, two, three] = &tills;
        if number % 2 == 0 {
            let (a, b, c) = tokio::join!(
                at_till(one, USE, voucher),
                at_till(two, USE, voucher),
                at_till(three, USE, voucher)
            );
            assert_eq!(words([a, b, c])?, ["done", "voucher_used", "voucher_used"]);
            used += 1;
            continue;
        }
        let (a, b, c) = tokio::join!(
            at_till(one, USE, voucher),
            give_back(&annas[1], voucher),
            at_till(three, USE, voucher)
        );
        let by_holder = word(b.as_ref().map_err(|error| format!("{error:?}"))?) == "done";
        let words = words([a, b, c])?;
        if by_holder {
            assert_eq!(words, ["done", "voucher_cancelled", "voucher_cancelled"]);
        } else {
            assert_eq!(words, ["done", "voucher_used", "voucher_used"]);
            used += 1;
        }
    }
    assert_eq!((points(&anna).await?, count(&anna, "used").await?), (before - used, used));
    assert_eq!(three.market.owed().await?, [used, 0, used * 100]);
    world.audit().await.map(drop)
}

/// Nothing that is being approved changes, and whatever happens meanwhile is in exactly one statement.
async fn a_void_against_an_approval_and_a_use_against_a_close(world: Arc<World>) -> Outcome {
    const ROUNDS: i64 = 6;
    let three = Three::open(&world).await?;
    let market = &three.market;
    let offer = market.offer(1, 100).await?;
    let anna = rich(&market.town, 1).await?;
    let held = hold(&anna, &offer, 2 * usize::try_from(ROUNDS)?).await?;
    let (tills, seconds) = (three.everywhere(&market.till), three.everywhere(&market.second));
    let officers = three.everywhere(&market.officer);
    for pair in held.chunks_exact(2) {
        at_till(&tills[0], USE, &pair[0]).await?.ok()?;
        let (one, other, used) = tokio::join!(
            market.close(&officers[0]),
            market.close(&officers[1]),
            at_till(&tills[2], USE, &pair[1]),
        );
        used?.ok()?;
        assert!((1..=2).contains(&(one? + other?)), "both uses at once or one after the other");
        let last = market.statements().await?.pop().ok_or("no statement")?;
        let id = last["id"].as_str().ok_or("no id")?;
        market.step(&officers[0], id, "submit").await?.ok()?;
        let (approved, voided) =
            tokio::join!(market.step(&seconds[1], id, "approve"), at_till(&tills[2], VOID, &pair[0]));
        let approved = approved?.ok()?;
        voided?.ok()?;
        for member in ["uses", "voids", "due_fen", "first_line", "last_line"] {
            assert_eq!(approved[member], last[member], "{member}");
        }
        let (one, other) =
            tokio::join!(market.step(&officers[0], id, "pay"), market.step(&officers[2], id, "pay"));
        assert_eq!(words([one, other])?, ["done", "statement_out_of_order"], "paid once");
    }
    assert_eq!(market.owed().await?, [2 * ROUNDS, ROUNDS, ROUNDS * 100]);
    let mut next = 1;
    for statement in market.statements().await? {
        assert_eq!(statement["first_line"], next, "without a gap: {statement}");
        next = statement["last_line"].as_i64().ok_or("no line")? + 1;
    }
    world.audit().await.map(drop)
}

/// Whatever was sold before the stop comes back, whatever comes after it is refused.
async fn a_stop_against_buyers_and_tills(world: Arc<World>) -> Outcome {
    let three = Three::open(&world).await?;
    let market = &three.market;
    let offer = market.offer(1, 1_000).await?;
    let anna = rich(&market.town, 1).await?;
    let before = points(&anna).await?;
    let (tills, annas) = (three.everywhere(&market.till), three.everywhere(&anna));
    let held = hold(&anna, &offer, 12).await?;
    let buying = async |citizen: &Caller, name: &str| {
        let mut words = Vec::new();
        for number in 0..10 {
            words.push(word(&buy(citizen, &offer, 1, &format!("{name}-{number}")).await?).to_owned());
        }
        Ok::<_, tanhui_tests::Trouble>(words)
    };
    let using = async || {
        let mut words = Vec::new();
        for voucher in &held {
            words.push(word(&at_till(&tills[1], USE, voucher).await?).to_owned());
        }
        Ok::<_, tanhui_tests::Trouble>(words)
    };
    let stop = json!({ "vouchers": "refund", "reason": { "zh": "检查", "en": "Inspection" } });
    let path = format!("/v1/city/merchants/{}/suspend", market.merchant);
    let (one, other, used, stopped) = tokio::join!(
        buying(&annas[0], "one"),
        buying(&annas[2], "other"),
        using(),
        market.officer.post(&path, &stop),
    );
    stopped?.ok()?;
    for words in [one?, other?] {
        let closed = words.iter().position(|word| word == "offer_closed").unwrap_or(words.len());
        assert!(words[closed..].iter().all(|word| word == "offer_closed"), "{words:?}");
    }
    let used = used?;
    assert!(used.iter().all(|word| ["done", "merchant_stopped"].contains(&word.as_str())), "{used:?}");
    let used = i64::try_from(used.iter().filter(|word| *word == "done").count())?;
    world.done(&["expire"]).await?;
    assert_eq!((count(&anna, "used").await?, count(&anna, "live").await?), (used, 0));
    assert_eq!(points(&anna).await?, before - used);
    assert_eq!(market.owed().await?, [used, 0, used * 100]);
    world.audit().await.map(drop)
}
