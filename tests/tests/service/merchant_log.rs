//! What a merchant's people change is written down with the change, and read by the city.

use tanhui_domain::city::{Grant, Role};
use tanhui_domain::id::CitizenId;
use tanhui_domain::merchant::{Application, MerchantStep, StaffRole};
use tanhui_domain::office::{Act, Actor, Deed};
use tanhui_domain::text::Text;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::staff::{self, NewInvitation};
use tanhui_service::webhook::{self, Courier, Letter, Lost};
use tanhui_service::{Services, merchant, office, sign_in};
use tanhui_tests::{Outcome, Programme, Stage, each_database};

use crate::shop::Shop;

each_database!(
    every_change_at_a_merchant_is_written_down_once,
    the_city_is_named_apart_from_a_merchants_own_people,
);

/// Takes every address and reaches none.
#[derive(Debug)]
struct Nowhere;

#[async_trait::async_trait]
impl Courier for Nowhere {
    fn takes(&self, _: &str) -> bool {
        true
    }

    async fn carry(&self, _: &str, _: &Letter) -> Result<u16, Lost> {
        Err(Lost("nowhere".to_owned()))
    }
}

async fn person(programme: &Programme, phone: &str) -> Outcome<CitizenId> {
    let phone = PhoneNumber::parse(phone)?;
    Ok(sign_in::ensure_person(&programme.services, &programme.city, &phone).await?.id)
}

/// The record, the first line first.
async fn log(programme: &Programme) -> Outcome<Vec<Deed>> {
    let page = office::log(&programme.services, programme.city.id, None, 100).await?;
    Ok(page.into_iter().rev().map(|(_, deed)| deed).collect())
}

fn cashier(phone: &str) -> Outcome<NewInvitation> {
    let phone = PhoneNumber::parse(phone)?;
    Ok(NewInvitation { phone, role: StaffRole::Cashier, label: "早班小李".to_owned(), branch: None })
}

async fn every_change_at_a_merchant_is_written_down_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let services: &Services = &shop.programme.services;
    let owner = person(&shop.programme, "13800000001").await?;
    let newcomer = person(&shop.programme, "13800000002").await?;
    let at = (shop.merchant, owner);
    let role =
        Grant { role: Role::MerchantStaff, city: shop.programme.city.id, merchant: Some(shop.merchant) };
    for _ in 0..2 {
        office::grant(services, owner, &role).await?;
    }
    let branch = merchant::open_branch(services, at, "南湖店".to_owned(), String::new()).await?;
    for _ in 0..2 {
        let to = ("北湖店".to_owned(), "北湖路 1 号".to_owned());
        merchant::change_branch(services, at, branch.id, to).await?;
    }
    for _ in 0..2 {
        merchant::close_branch(services, at, branch.id).await?;
    }
    let (url, kinds) = ("https://shop.example/hooks/secret".to_owned(), ["voucher.used".to_owned()]);
    let (hook, _) = webhook::register(services, &Nowhere, at, url, &kinds).await?;
    webhook::renew_secret(services, at, hook.id).await?;
    webhook::enable(services, at, hook.id).await?;
    stage.raw.execute("UPDATE webhook_endpoints SET disabled_at_us = 1, disabled_because = 'gone'").await?;
    webhook::ping(services, at, hook.id).await?;
    webhook::delete(services, at, hook.id).await?;
    let invited = staff::invite(services, shop.merchant, owner, cashier("13800000002")?).await?;
    staff::withdraw(services, at, invited.id).await?;
    let invited = staff::invite(services, shop.merchant, owner, cashier("13800000002")?).await?;
    staff::answer(services, newcomer, invited.id, true).await?;
    staff::remove(services, shop.merchant, newcomer, newcomer).await?;

    let log = log(&shop.programme).await?;
    let told: Vec<_> = log.iter().map(|deed| (deed.act, deed.citizen, deed.reason.en.as_str())).collect();
    assert_eq!(
        told,
        [
            (Act::StaffJoined, Some(owner), "Became an owner"),
            (Act::BranchOpened, None, "Opened branch \"南湖店\""),
            (Act::BranchChanged, None, "Changed branch \"南湖店\""),
            (Act::BranchClosed, None, "Closed branch \"北湖店\""),
            (Act::WebhookAdded, None, "A webhook at shop.example"),
            (Act::WebhookSecretRenewed, None, "A webhook at shop.example"),
            (Act::WebhookEnabled, None, "A webhook at shop.example"),
            (Act::WebhookRemoved, None, "A webhook at shop.example"),
            (Act::StaffInvited, None, "Invited a cashier"),
            (Act::InvitationWithdrawn, None, "Took an invitation back"),
            (Act::StaffInvited, None, "Invited a cashier"),
            (Act::StaffJoined, Some(newcomer), "Became a cashier"),
            (Act::StaffRemoved, Some(newcomer), "Left"),
        ]
    );
    assert!(log.iter().all(|deed| deed.subject == shop.merchant.get()));
    let by = |place: usize| log.get(place).map(|deed| deed.actor);
    assert_eq!((by(0), by(1)), (Some(Actor::Operator), Some(Actor::Person(owner))));
    assert_eq!(by(12), Some(Actor::Person(newcomer)));
    assert!(!format!("{log:?}").contains("小李"), "what a merchant calls a person is not the city's");
    shop.programme.stop().await
}

async fn the_city_is_named_apart_from_a_merchants_own_people(stage: Stage) -> Outcome {
    let programme = Programme::start(&stage).await?;
    let services: &Services = &programme.services;
    let phone = PhoneNumber::parse("13800000001")?;
    let applicant = sign_in::ensure_person(services, &programme.city, &phone).await?;
    let officer = person(&programme, "13800000002").await?;
    let about = Application {
        name: "茶馆".to_owned(),
        description: "茶".to_owned(),
        registration_no: String::new(),
        contact: "店长".to_owned(),
    };
    let applied = merchant::apply(services, &applicant, about).await?;
    let why = Text::new("材料齐全", "All papers are there");
    let approve = (officer, &why);
    merchant::step(services, &programme.city, applied.id, MerchantStep::Approve, approve).await?;
    let at = (applied.id, applicant.id);
    merchant::open_branch(services, at, "南湖店".to_owned(), String::new()).await?;
    let mine = merchant::mine(services, applicant.id).await?;
    let said: Vec<_> = mine.iter().map(|(_, said)| said.as_ref()).collect();
    assert_eq!(said, [Some(&why)], "not what the applicant did since");
    let acts: Vec<_> = log(&programme).await?.iter().map(|deed| (deed.act, deed.actor)).collect();
    let expected =
        [(Act::MerchantApproved, Actor::Person(officer)), (Act::BranchOpened, Actor::Person(applicant.id))];
    assert_eq!(acts, expected);
    programme.stop().await
}
