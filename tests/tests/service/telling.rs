//! Webhooks: told with the work, once by several processes, again after failures, and not for ever.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use tanhui_domain::id::{CitizenId, MerchantId, RedemptionId, WebhookId};
use tanhui_domain::merchant::MerchantStep;
use tanhui_domain::text::Text;
use tanhui_domain::webhook::{FAILING_MAX, TRIES_MAX};
use tanhui_service::Services;
use tanhui_service::identity::webhook_secret::WebhookSecret;
use tanhui_service::redemption::{expire_vouchers, refund_stopped};
use tanhui_service::till::{self, TillError};
use tanhui_service::webhook::{self, Courier, Delivery, LEASE, Letter, Lost, OLD_SECRET_FOR, deliver_due};
use tanhui_service::{merchant, settlement};
use tanhui_tests::{Outcome, Stage, each_database};

use crate::shop::Shop;

each_database!(
    what_happened_is_told_and_nothing_else,
    whatever_becomes_of_a_voucher_is_told,
    several_processes_tell_each_message_once,
    a_try_that_was_cut_off_is_made_again,
    a_message_is_given_up_after_its_last_try_and_can_be_replayed,
    an_endpoint_that_fails_for_days_is_disabled,
    an_endpoint_that_is_gone_is_disabled_at_once,
    two_secrets_sign_while_one_is_renewed,
);

/// Remembers every letter, and answers what it was given to answer, else 200.
#[derive(Debug, Default)]
struct Clerk {
    letters: Mutex<Vec<Letter>>,
    answers: Mutex<VecDeque<Result<u16, Lost>>>,
    always: Mutex<Option<u16>>,
    sleeps: Mutex<bool>,
}

#[async_trait::async_trait]
impl Courier for Clerk {
    fn takes(&self, url: &str) -> bool {
        url.starts_with("https://")
    }

    async fn carry(&self, _: &str, letter: &Letter) -> Result<u16, Lost> {
        if let Ok(mut letters) = self.letters.lock() {
            letters.push(letter.clone());
        }
        if self.sleeps.lock().is_ok_and(|sleeps| *sleeps) {
            std::future::pending::<()>().await;
        }
        let next = self.answers.lock().ok().and_then(|mut answers| answers.pop_front());
        let always = self.always.lock().ok().and_then(|always| *always);
        next.unwrap_or(Ok(always.unwrap_or(200)))
    }
}

impl Clerk {
    fn take(&self) -> Vec<Letter> {
        self.letters.lock().map(|mut letters| std::mem::take(&mut *letters)).unwrap_or_default()
    }

    fn always(&self, status: u16) {
        if let Ok(mut always) = self.always.lock() {
            *always = Some(status);
        }
    }

    fn sleeps(&self, asleep: bool) {
        if let Ok(mut sleeps) = self.sleeps.lock() {
            *sleeps = asleep;
        }
    }
}

struct Scene {
    shop: Shop,
    buyer: CitizenId,
    clerk: Arc<Clerk>,
    webhook: WebhookId,
    secret: WebhookSecret,
}

impl Scene {
    async fn set(stage: &Stage) -> Outcome<Self> {
        Self::told_of(stage, &["voucher.used", "voucher.voided", "statement.closed"]).await
    }

    async fn told_of(stage: &Stage, kinds: &[&str]) -> Outcome<Self> {
        let shop = Shop::open(stage, 100, None).await?;
        let buyer = shop.citizen("card", 100).await?;
        let clerk = Arc::new(Clerk::default());
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let (url, at) = ("https://shop.example/".to_owned(), (shop.merchant, buyer));
        let made = webhook::register(services(&shop), clerk.as_ref(), at, url, &kinds).await?;
        Ok(Self { shop, buyer, clerk, webhook: made.0.id, secret: made.1 })
    }

    async fn codes(&self, quantity: i64) -> Outcome<Vec<String>> {
        let id = self.shop.buy(self.buyer, quantity).await?;
        self.shop.codes(id).await
    }

    async fn use_one(&self) -> Outcome {
        let code = self.codes(1).await?.pop().ok_or("no voucher")?;
        Ok(self.shop.use_code(self.buyer, &code).await?)
    }

    async fn deliver(&self) -> Outcome<usize> {
        deliver(&self.shop, &self.clerk).await
    }

    fn at(&self) -> (MerchantId, CitizenId) {
        (self.shop.merchant, self.buyer)
    }

    /// Kinds and vouchers of what is told now, in order.
    async fn told(&self) -> Outcome<Vec<String>> {
        self.deliver().await?;
        let mut told = Vec::new();
        for letter in self.clerk.take() {
            let body: serde_json::Value = serde_json::from_str(&letter.body)?;
            let word = |at: &str| body.pointer(at).and_then(serde_json::Value::as_str).unwrap_or_default();
            told.push(format!("{} {} {}", word("/type"), word("/data/status"), word("/data/voucher")));
        }
        told.sort();
        Ok(told)
    }

    async fn log(&self) -> Outcome<Vec<Delivery>> {
        Ok(webhook::deliveries(services(&self.shop), self.shop.merchant, self.webhook, None, 100).await?)
    }

    async fn disabled(&self) -> Outcome<Option<String>> {
        let all = webhook::list(services(&self.shop), self.shop.merchant).await?;
        Ok(all.into_iter().find_map(|one| one.disabled).map(|(_, because)| because))
    }
}

fn services(shop: &Shop) -> &Arc<Services> {
    &shop.programme.services
}

async fn deliver(shop: &Shop, clerk: &Arc<Clerk>) -> Outcome<usize> {
    let courier: Arc<dyn Courier> = clerk.clone();
    Ok(deliver_due(services(shop), &courier).await?)
}

fn kind(letter: &Letter) -> Outcome<String> {
    let body: serde_json::Value = serde_json::from_str(&letter.body)?;
    Ok(body.get("type").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
}

async fn what_happened_is_told_and_nothing_else(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let (shop, city) = (&scene.shop, &scene.shop.programme.city);
    let code = scene.codes(1).await?.pop().ok_or("no voucher")?;
    assert_eq!(scene.deliver().await?, 0);
    for step in 0..3 {
        stage.clock.advance(TimeDelta::seconds(1));
        match step {
            0 => shop.use_code(scene.buyer, &code).await?,
            1 => {
                let refused = shop.use_code(scene.buyer, &code).await;
                assert!(matches!(refused, Err(TillError::Used { .. })), "{refused:?}");
            }
            _ => {
                till::void(services(shop), city, &shop.till(scene.buyer), &code).await?;
            }
        }
    }
    stage.clock.advance(TimeDelta::seconds(1));
    assert_eq!(settlement::close(services(shop), city, stage.now()).await?, 1);
    assert_eq!((scene.deliver().await?, scene.deliver().await?), (3, 0));
    let letters = scene.clerk.take();
    let kinds: Outcome<Vec<String>> = letters.iter().map(kind).collect();
    assert_eq!(kinds?, ["voucher.used", "voucher.voided", "statement.closed"]);
    for letter in &letters {
        let Letter { id, timestamp, signature, body } = letter;
        assert_eq!(*signature, scene.secret.sign(id, *timestamp, body));
    }
    scene.shop.programme.stop().await
}

async fn whatever_becomes_of_a_voucher_is_told(stage: Stage) -> Outcome {
    let kinds = ["voucher.issued", "voucher.cancelled", "voucher.expired", "voucher.refunded"];
    let scene = Scene::told_of(&stage, &kinds).await?;
    let (shop, buyer) = (&scene.shop, scene.buyer);
    let refunding = shop.offer_like(None, |draft| draft.conditions.refund_expired = true).await?;
    let expected = async |id: RedemptionId, what: &str| -> Outcome<Vec<String>> {
        Ok(shop.codes(id).await?.iter().map(|code| format!("{what} {code}")).collect())
    };
    let given_back = shop.buy(buyer, 2).await?;
    assert_eq!(scene.told().await?, sorted(expected(given_back, "voucher.issued live").await?));
    shop.give_back(buyer, given_back).await?;
    assert!(shop.give_back(buyer, given_back).await.is_err(), "a refusal tells nothing");
    assert_eq!(scene.told().await?, sorted(expected(given_back, "voucher.cancelled cancelled").await?));

    let (spent, returned) = (shop.buy(buyer, 1).await?, refunding.buy(buyer, 1).await?);
    assert_eq!(scene.told().await?.len(), 2);
    stage.clock.advance(TimeDelta::days(37));
    assert_eq!(expire_vouchers(services(shop)).await?, 2);
    let mut ended = expected(spent, "voucher.expired expired").await?;
    ended.extend(expected(returned, "voucher.refunded refunded").await?);
    assert_eq!(scene.told().await?, sorted(ended));

    let stopped = shop.buy(buyer, 3).await?;
    assert_eq!(scene.told().await?.len(), 3);
    let (city, why) = (&shop.programme.city, Text::new("检查", "Inspection"));
    let halt = MerchantStep::Suspend { refund: true };
    merchant::step(services(shop), city, shop.merchant, halt, (buyer, &why)).await?;
    assert_eq!((refund_stopped(services(shop)).await?, refund_stopped(services(shop)).await?), (3, 0));
    assert_eq!(scene.told().await?, sorted(expected(stopped, "voucher.refunded refunded").await?));
    scene.shop.programme.stop().await
}

fn sorted(mut told: Vec<String>) -> Vec<String> {
    told.sort();
    told
}

async fn several_processes_tell_each_message_once(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let other = scene.shop.elsewhere(&stage).await?;
    for _ in 0..5 {
        scene.use_one().await?;
    }
    for _ in 0..5 {
        let (shop, clerk) = (scene.shop.clone(), Arc::clone(&scene.clerk));
        let (there, same) = (other.clone(), Arc::clone(&scene.clerk));
        let both = tokio::join!(
            tokio::spawn(async move { deliver(&shop, &clerk).await.map_err(|error| format!("{error:?}")) }),
            tokio::spawn(async move { deliver(&there, &same).await.map_err(|error| format!("{error:?}")) }),
        );
        both.0??;
        both.1??;
    }
    let letters = scene.clerk.take();
    let ids: BTreeSet<&str> = letters.iter().map(|letter| letter.id.as_str()).collect();
    assert_eq!((letters.len(), ids.len()), (5, 5));
    other.programme.stop().await?;
    scene.shop.programme.stop().await
}

async fn a_try_that_was_cut_off_is_made_again(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    scene.use_one().await?;
    scene.clerk.sleeps(true);
    let round = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(round, scene.deliver()).await.is_err(), "killed while it waits");
    scene.clerk.sleeps(false);
    assert_eq!(scene.deliver().await?, 0, "another process may still be at it");
    stage.clock.advance(LEASE);
    assert_eq!(scene.deliver().await?, 1);
    let letters = scene.clerk.take();
    let ids: BTreeSet<&str> = letters.iter().map(|letter| letter.id.as_str()).collect();
    assert_eq!((letters.len(), ids.len()), (2, 1), "the same message twice, known by its id");
    let log = scene.log().await?;
    assert_eq!(log.first().map(|one| (one.status.as_str(), one.tries)), Some(("delivered", 2)));
    scene.shop.programme.stop().await
}

async fn a_message_is_given_up_after_its_last_try_and_can_be_replayed(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    scene.use_one().await?;
    let written = stage.now();
    scene.clerk.always(503);
    for number in 1..=TRIES_MAX {
        assert_eq!(scene.deliver().await?, 1, "try {number}");
        assert_eq!(scene.deliver().await?, 0, "none before its time");
        stage.clock.advance(TimeDelta::hours(18));
        if number == 4 {
            // 72 hours of failures would disable it; an owner looks after it.
            webhook::enable(services(&scene.shop), scene.at(), scene.webhook).await?;
        }
    }
    assert_eq!(scene.deliver().await?, 0);
    let log = scene.log().await?;
    let last = log.first().ok_or("no delivery")?;
    assert_eq!((last.status.as_str(), last.tries, last.answer), ("failed", TRIES_MAX, Some(503)));
    scene.clerk.always(200);
    let (services, at) = (services(&scene.shop), scene.at());
    let late = webhook::replay_failed(services, at, scene.webhook, stage.now()).await?;
    assert_eq!(late, 0, "nothing was written since");
    assert_eq!(webhook::replay_failed(services, at, scene.webhook, written).await?, 1);
    assert_eq!(scene.deliver().await?, 1);
    webhook::replay(services, at, scene.webhook, last.message).await?;
    assert_eq!(scene.deliver().await?, 1);
    let ids: BTreeSet<String> = scene.clerk.take().into_iter().map(|letter| letter.id).collect();
    assert_eq!(ids.len(), 1);
    scene.shop.programme.stop().await
}

async fn an_endpoint_that_fails_for_days_is_disabled(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    scene.clerk.always(500);
    scene.use_one().await?;
    assert_eq!(scene.deliver().await?, 1);
    stage.clock.advance(FAILING_MAX - TimeDelta::microseconds(1));
    assert_eq!(scene.deliver().await?, 1);
    assert_eq!(scene.disabled().await?, None);
    stage.clock.advance(TimeDelta::hours(1));
    assert_eq!(scene.deliver().await?, 1);
    assert_eq!(scene.disabled().await?.as_deref(), Some("answered 500"));
    scene.use_one().await?;
    stage.clock.advance(TimeDelta::hours(24));
    assert_eq!((scene.deliver().await?, scene.log().await?.len()), (0, 1), "nothing more is written for it");
    scene.clerk.always(200);
    webhook::ping(services(&scene.shop), scene.at(), scene.webhook).await?;
    assert_eq!((scene.disabled().await?, scene.deliver().await?), (None, 2), "the test and what was due");
    scene.shop.programme.stop().await
}

async fn an_endpoint_that_is_gone_is_disabled_at_once(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    scene.clerk.always(410);
    scene.use_one().await?;
    assert_eq!(scene.deliver().await?, 1);
    assert_eq!(scene.disabled().await?.as_deref(), Some("answered 410"));
    webhook::delete(services(&scene.shop), scene.at(), scene.webhook).await?;
    assert!(webhook::list(services(&scene.shop), scene.shop.merchant).await?.is_empty());
    scene.shop.programme.stop().await
}

async fn two_secrets_sign_while_one_is_renewed(stage: Stage) -> Outcome {
    let scene = Scene::set(&stage).await?;
    let renewed = webhook::renew_secret(services(&scene.shop), scene.at(), scene.webhook).await?;
    for (wait, old_signs) in [(TimeDelta::zero(), true), (OLD_SECRET_FOR, false)] {
        stage.clock.advance(wait);
        scene.use_one().await?;
        assert_eq!(scene.deliver().await?, 1);
        let Letter { id, timestamp, signature, body } = scene.clerk.take().pop().ok_or("no letter")?;
        let new = renewed.sign(&id, timestamp, &body);
        let old = scene.secret.sign(&id, timestamp, &body);
        assert_eq!(signature, if old_signs { format!("{new} {old}") } else { new });
    }
    scene.shop.programme.stop().await
}
