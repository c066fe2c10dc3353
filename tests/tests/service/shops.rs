//! Merchants come in and are stopped; their people are in and out at once.

use tanhui_domain::city::{Citizen, City};
use tanhui_domain::id::{BranchId, CitizenId, MerchantId};
use tanhui_domain::merchant::{Application, MerchantStatus, MerchantStep, MerchantStepError, StaffRole};
use tanhui_domain::office::Act;
use tanhui_domain::redemption::Refusal;
use tanhui_domain::text::Text;
use tanhui_service::identity::phone::PhoneNumber;
use tanhui_service::merchant::{self, APPLICATIONS_MAX, MerchantError};
use tanhui_service::redemption::RedeemError;
use tanhui_service::staff::{self, NewInvitation, StaffError};
use tanhui_service::till::{self, TillError};
use tanhui_service::{Services, citizen, office, sign_in};
use tanhui_store::{account, office_log};
use tanhui_tests::{Outcome, Programme, Stage, each_database};

use crate::shop::Shop;

each_database!(
    a_merchant_applies_and_is_admitted,
    an_application_is_sent_back_and_amended,
    a_person_has_few_applications_at_once,
    a_stopped_merchant_sells_nothing_and_its_vouchers_work,
    a_stop_during_a_rush_halts_everything_after_it,
    people_join_by_invitation_and_leave_at_once,
    an_invitation_is_answered_once_and_ends,
    a_till_stands_at_an_open_branch,
    whoever_is_forgotten_is_forgotten_by_merchants,
);

/// A programme with some people.
struct Office {
    programme: Programme,
}

impl Office {
    async fn open(stage: &Stage) -> Outcome<Self> {
        Ok(Self { programme: Programme::start(stage).await? })
    }

    fn services(&self) -> &Services {
        &self.programme.services
    }

    fn city(&self) -> &City {
        &self.programme.city
    }

    async fn person(&self, phone: &str) -> Outcome<Citizen> {
        Ok(sign_in::ensure_person(self.services(), self.city(), &PhoneNumber::parse(phone)?).await?)
    }

    async fn step(
        &self,
        id: MerchantId,
        step: MerchantStep,
        by: CitizenId,
    ) -> Result<MerchantStatus, MerchantError> {
        let why = Text::new("材料齐全", "All papers are there");
        Ok(merchant::step(self.services(), self.city(), id, step, (by, &why)).await?.status)
    }
}

fn about(name: &str) -> Application {
    Application {
        name: name.to_owned(),
        description: "茶".to_owned(),
        registration_no: String::new(),
        contact: "店长".to_owned(),
    }
}

async fn a_merchant_applies_and_is_admitted(stage: Stage) -> Outcome {
    let office = Office::open(&stage).await?;
    let (applicant, officer) = (office.person("13800000001").await?, office.person("13800000002").await?);
    let applied = merchant::apply(office.services(), &applicant, about("茶馆")).await?;
    assert!(staff::workplace(office.services(), applicant.id, None).await?.is_none());
    let own = office.step(applied.id, MerchantStep::Approve, applicant.id).await;
    assert!(matches!(own, Err(MerchantError::Step(MerchantStepError::SamePerson))), "{own:?}");
    assert_eq!(office.step(applied.id, MerchantStep::Approve, officer.id).await?, MerchantStatus::Active);
    let again = office.step(applied.id, MerchantStep::Approve, officer.id).await;
    assert!(matches!(again, Err(MerchantError::Step(MerchantStepError::OutOfOrder { .. }))), "{again:?}");

    let works = staff::workplace(office.services(), applicant.id, None).await?.ok_or("no workplace")?;
    assert_eq!((works.0.role, works.1.id), (StaffRole::Owner, applied.id));
    let account = account::find(&office.services().database, applied.id.into()).await?;
    assert!(account.is_some(), "an admitted merchant has an account");
    let log = office_log::page(&office.services().database, office.city().id, None, 10).await?;
    let acts: Vec<_> = log.iter().map(|(_, deed)| (deed.act, deed.subject, deed.citizen)).collect();
    assert_eq!(acts, [(Act::MerchantApproved, applied.id.get(), None)]);
    office.programme.stop().await
}

async fn an_application_is_sent_back_and_amended(stage: Stage) -> Outcome {
    let office = Office::open(&stage).await?;
    let (applicant, officer) = (office.person("13800000001").await?, office.person("13800000002").await?);
    let applied = merchant::apply(office.services(), &applicant, about("茶馆")).await?;
    let early = merchant::amend(office.services(), applicant.id, applied.id, about("茶楼")).await;
    assert!(matches!(early, Err(MerchantError::Step(_))), "{early:?}");
    office.step(applied.id, MerchantStep::Return, officer.id).await?;
    let mine = merchant::mine(office.services(), applicant.id).await?;
    assert_eq!(
        mine.first().and_then(|(_, why)| why.clone()).map(|why| why.en),
        Some("All papers are there".to_owned())
    );
    let stranger = merchant::amend(office.services(), officer.id, applied.id, about("茶楼")).await;
    assert!(matches!(stranger, Err(MerchantError::NoMerchant)), "{stranger:?}");
    let amended = merchant::amend(office.services(), applicant.id, applied.id, about("茶楼")).await?;
    assert_eq!((amended.status, amended.about.name.as_str()), (MerchantStatus::Applied, "茶楼"));
    assert_eq!(office.step(applied.id, MerchantStep::Reject, officer.id).await?, MerchantStatus::Rejected);
    let over = office.step(applied.id, MerchantStep::Approve, officer.id).await;
    assert!(matches!(over, Err(MerchantError::Step(_))), "{over:?}");
    office.programme.stop().await
}

async fn a_person_has_few_applications_at_once(stage: Stage) -> Outcome {
    let office = Office::open(&stage).await?;
    let applicant = office.person("13800000001").await?;
    for number in 0..=APPLICATIONS_MAX {
        let applied = merchant::apply(office.services(), &applicant, about(&format!("茶馆{number}"))).await;
        match applied {
            Ok(_) => assert!(number < APPLICATIONS_MAX),
            Err(error) => {
                assert_eq!(number, APPLICATIONS_MAX);
                assert!(matches!(error, MerchantError::TooManyApplications), "{error}");
            }
        }
    }
    let nameless = merchant::apply(office.services(), &applicant, about("")).await;
    assert!(matches!(nameless, Err(MerchantError::Field("name"))), "{nameless:?}");
    office.programme.stop().await
}

async fn a_stopped_merchant_sells_nothing_and_its_vouchers_work(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let buyer = shop.citizen("card", 100).await?;
    let id = shop.buy(buyer, 2).await?;
    let (services, city) = (&shop.programme.services, &shop.programme.city);
    let why = Text::new("检查", "Inspection");
    let halt = MerchantStep::Suspend { refund: false };
    merchant::step(services, city, shop.merchant, halt, (buyer, &why)).await?;
    let refused = shop.buy(buyer, 1).await;
    assert!(matches!(refused, Err(RedeemError::Refused(Refusal::OfferClosed))), "{refused:?}");
    assert!(office::offers(services, city.id, None, 10).await?.is_empty());
    for code in shop.codes(id).await? {
        shop.use_code(buyer, &code).await?;
    }
    merchant::step(services, city, shop.merchant, MerchantStep::Reinstate, (buyer, &why)).await?;
    shop.buy(buyer, 1).await?;
    shop.programme.stop().await
}

async fn a_stop_during_a_rush_halts_everything_after_it(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let other = shop.elsewhere(&stage).await?;
    let mut buyers = Vec::new();
    for number in 0..8 {
        buyers.push(shop.citizen(&format!("card{number}"), 40).await?);
    }
    let buying: Vec<_> = buyers
        .iter()
        .map(|buyer| {
            let (shop, buyer) = (other.clone(), *buyer);
            tokio::spawn(async move { shop.buy(buyer, 1).await })
        })
        .collect();
    let officer = buyers.first().copied().ok_or("no officer")?;
    let why = Text::new("检查", "Inspection");
    let halt = MerchantStep::Suspend { refund: false };
    let (services, city) = (&shop.programme.services, &shop.programme.city);
    merchant::step(services, city, shop.merchant, halt, (officer, &why)).await?;
    for outcome in buying {
        let outcome = outcome.await?;
        assert!(matches!(outcome, Ok(_) | Err(RedeemError::Refused(Refusal::OfferClosed))), "{outcome:?}");
    }
    for buyer in buyers {
        let late = other.buy(buyer, 1).await;
        assert!(matches!(late, Err(RedeemError::Refused(Refusal::OfferClosed))), "{late:?}");
    }
    other.programme.stop().await?;
    shop.programme.stop().await
}

fn cashier(phone: &str, branch: Option<BranchId>) -> Outcome<NewInvitation> {
    let phone = PhoneNumber::parse(phone)?;
    Ok(NewInvitation { phone, role: StaffRole::Cashier, label: "小李".to_owned(), branch })
}

async fn people_join_by_invitation_and_leave_at_once(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let office = Office { programme: shop.programme.clone() };
    let owner = office.person("13800000001").await?;
    let grant = tanhui_domain::city::Grant {
        role: tanhui_domain::city::Role::MerchantStaff,
        city: office.city().id,
        merchant: Some(shop.merchant),
    };
    office::grant(office.services(), owner.id, &grant).await?;
    // Invited before they ever signed in.
    let invited =
        staff::invite(office.services(), shop.merchant, owner.id, cashier("13800000002", None)?).await?;
    let person = office.person("13800000002").await?;
    let open = staff::invitations_of(office.services(), person.id).await?;
    assert_eq!(
        open.iter().map(|(one, name)| (one.id, name.as_str())).collect::<Vec<_>>(),
        [(invited.id, "绿色小店")]
    );
    assert!(staff::workplace(office.services(), person.id, None).await?.is_none());
    staff::answer(office.services(), person.id, invited.id, true).await?;
    let works = staff::workplace(office.services(), person.id, None).await?.ok_or("no workplace")?;
    assert_eq!((works.0.role, works.0.label.as_str()), (StaffRole::Cashier, "小李"));

    staff::remove(office.services(), shop.merchant, person.id, owner.id).await?;
    assert!(staff::workplace(office.services(), person.id, None).await?.is_none());
    let twice = staff::remove(office.services(), shop.merchant, person.id, owner.id).await;
    assert!(matches!(twice, Err(StaffError::NoPerson)), "{twice:?}");
    let last = staff::remove(office.services(), shop.merchant, owner.id, owner.id).await;
    assert!(matches!(last, Err(StaffError::LastOwner)), "{last:?}");
    assert!(staff::workplace(office.services(), owner.id, None).await?.is_some(), "nothing was written");
    let log = office_log::page(&office.services().database, office.city().id, None, 10).await?;
    let acts: Vec<_> = log.iter().map(|(_, deed)| (deed.act, deed.citizen)).collect();
    assert_eq!(
        acts,
        [
            (Act::StaffRemoved, Some(person.id)),
            (Act::StaffJoined, Some(person.id)),
            (Act::StaffInvited, None),
            (Act::StaffJoined, Some(owner.id)),
        ]
    );
    shop.programme.stop().await
}

async fn an_invitation_is_answered_once_and_ends(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let office = Office { programme: shop.programme.clone() };
    let (person, other) = (office.person("13800000002").await?, office.person("13800000003").await?);
    let services = office.services();
    let one = staff::invite(services, shop.merchant, other.id, cashier("13800000002", None)?).await?;
    let stranger = staff::answer(services, other.id, one.id, true).await;
    assert!(matches!(stranger, Err(StaffError::NoInvitation)), "{stranger:?}");
    staff::answer(services, person.id, one.id, false).await?;
    let again = staff::answer(services, person.id, one.id, true).await;
    assert!(matches!(again, Err(StaffError::NoInvitation)), "{again:?}");

    let two = staff::invite(services, shop.merchant, other.id, cashier("13800000002", None)?).await?;
    let three = staff::invite(services, shop.merchant, other.id, cashier("13800000002", None)?).await?;
    let replaced = staff::answer(services, person.id, two.id, true).await;
    assert!(matches!(replaced, Err(StaffError::NoInvitation)), "{replaced:?}");
    stage.clock.set(three.expires_at);
    let late = staff::answer(services, person.id, three.id, true).await;
    assert!(matches!(late, Err(StaffError::NoInvitation)), "{late:?}");
    assert!(staff::workplace(services, person.id, None).await?.is_none());
    for label in ["", "a\nb", &"x".repeat(61)] {
        let new = NewInvitation { label: label.to_owned(), ..cashier("13800000002", None)? };
        let refused = staff::invite(services, shop.merchant, other.id, new).await;
        assert!(matches!(refused, Err(StaffError::Label)), "{label:?}");
    }
    shop.programme.stop().await
}

async fn a_till_stands_at_an_open_branch(stage: Stage) -> Outcome {
    let shop = Shop::open(&stage, 100, None).await?;
    let services = &shop.programme.services;
    let buyer = shop.citizen("card", 100).await?;
    let branch = async |name: &str| {
        merchant::open_branch(services, (shop.merchant, buyer), name.to_owned(), String::new()).await
    };
    let (north, south) = (branch("北店").await?, branch("南店").await?);
    let person = tanhui_domain::merchant::Staff {
        citizen: buyer,
        merchant: shop.merchant,
        role: StaffRole::Cashier,
        label: String::new(),
        branch: Some(north.id),
    };
    let elsewhere = till::at(services, &person, Some(south.id)).await;
    assert!(matches!(elsewhere, Err(TillError::NoBranch)), "{elsewhere:?}");
    let at = till::at(services, &person, None).await?;
    assert_eq!(at.branch, Some(north.id));
    let id = shop.buy(buyer, 1).await?;
    let code = shop.codes(id).await?.pop().ok_or("no voucher")?;
    till::use_voucher(services, &shop.programme.city, &at, &code).await?;
    for refused in [
        till::use_voucher(services, &shop.programme.city, &at, &code).await,
        till::check(services, shop.merchant, &code).await,
    ] {
        let Err(TillError::Used { branch, .. }) = refused else { return Err("not refused".into()) };
        assert_eq!(branch.as_deref(), Some("北店"));
    }
    merchant::close_branch(services, (shop.merchant, buyer), north.id).await?;
    let closed = till::at(services, &person, None).await;
    assert!(matches!(closed, Err(TillError::NoBranch)), "{closed:?}");
    let nobodys = (MerchantId::new(uuid::Uuid::nil()), buyer);
    let foreign = merchant::close_branch(services, nobodys, south.id).await;
    assert!(matches!(foreign, Err(MerchantError::NoBranch)), "{foreign:?}");
    shop.programme.stop().await
}

async fn whoever_is_forgotten_is_forgotten_by_merchants(stage: Stage) -> Outcome {
    let office = Office::open(&stage).await?;
    let (applicant, officer) = (office.person("13800000001").await?, office.person("13800000002").await?);
    let services = office.services();
    let applied = merchant::apply(services, &applicant, about("茶馆")).await?;
    office.step(applied.id, MerchantStep::Approve, officer.id).await?;
    staff::invite(services, applied.id, applicant.id, cashier("13800000001", None)?).await?;
    citizen::erase(services, applicant.id).await?;
    assert!(staff::people(services, applied.id).await?.is_empty());
    assert!(staff::invitations(services, applied.id).await?.is_empty());
    let kept = merchant::find(services, office.city().id, applied.id).await?.ok_or("no merchant")?;
    assert_eq!((kept.about.contact.as_str(), kept.about.name.as_str()), ("", "茶馆"));
    office.programme.stop().await
}
