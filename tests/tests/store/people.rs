//! Cities, citizens, the persons behind them, roles, consents, erasure.

use chrono::TimeDelta;
use tanhui_domain::city::{Citizen, Grant, Role};
use tanhui_domain::id::{CitizenId, CityId, OwnerId};
use tanhui_domain::ledger::OwnerKind;
use tanhui_domain::text::Text;
use tanhui_store::binding::NewBinding;
use tanhui_store::session::RefreshToken;
use tanhui_store::{StoreError, account, binding, citizen, city, session, setting};
use tanhui_tests::{Outcome, Stage, Town, each_database, id, subject};

each_database!(
    a_city_comes_with_its_programmes_account,
    a_city_code_is_taken_once,
    a_citizen_comes_with_an_empty_account,
    a_citizen_of_no_city_is_refused,
    a_citizen_can_be_changed,
    a_phone_belongs_to_one_citizen,
    roles_are_given_once,
    consents_keep_the_last_word,
    erasing_leaves_the_pseudonym_only,
    a_setting_is_written_once,
);

async fn a_city_comes_with_its_programmes_account(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 0).await?;
    let other = Town::named(&stage, "othercity", 0).await?;
    assert_eq!(city::list(&stage.database).await?, [town.city.clone(), other.city]);
    assert_eq!(city::find_by_code(&stage.database, "testcity").await?, Some(town.city.clone()));
    assert_eq!(city::find_by_code(&stage.database, "nowhere").await?, None);
    assert_eq!(city::programme(&stage.database, town.city.id).await?, town.city.programme);
    let account = account::find(&stage.database, town.city.programme).await?.ok_or("no account")?;
    assert_eq!((account.kind, account.version, account.city), (OwnerKind::Programme, 0, town.city.id));
    let transaction = stage.database.begin().await?;
    city::renew_boards(&transaction, town.city.id).await?;
    transaction.commit().await?;
    let version = city::board_version(&stage.database, town.city.id).await?;
    assert_eq!((version.books, version.epoch), (0, 1));
    Ok(())
}

async fn a_city_code_is_taken_once(stage: Stage) -> Outcome {
    Town::build(&stage, 0).await?;
    let transaction = stage.database.begin().await?;
    let name = Text::new("又一个", "Another");
    let programme = OwnerId::new(stage.ids.next());
    let again = city::insert(&transaction, "testcity", &name, "Asia/Shanghai", programme).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    Ok(())
}

async fn a_citizen_comes_with_an_empty_account(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 3).await?;
    for citizen in &town.citizens {
        let account = account::find(&stage.database, (*citizen).into()).await?.ok_or("no account")?;
        assert_eq!((account.kind, account.version, account.city), (OwnerKind::Citizen, 0, town.city.id));
        assert_eq!(account.balance, tanhui_domain::ledger::Amounts::default());
    }
    let found = citizen::find_many(&stage.database, &town.citizens).await?;
    assert_eq!(found.len(), 3);
    assert_eq!(citizen::find(&stage.database, CitizenId::new(id(999_999))).await?, None);
    assert_eq!(citizen::find_many(&stage.database, &[]).await?, []);
    Ok(())
}

async fn a_citizen_of_no_city_is_refused(stage: Stage) -> Outcome {
    let transaction = stage.database.begin().await?;
    let nobody = Citizen {
        id: CitizenId::new(stage.ids.next()),
        city: CityId::new(77),
        nickname: String::new(),
        district: None,
        on_boards: false,
        created_at: stage.now(),
    };
    let refused = citizen::insert_many(&transaction, &[nobody]).await;
    assert!(matches!(refused, Err(StoreError::Constraint(_))), "{refused:?}");
    Ok(())
}

async fn a_citizen_can_be_changed(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let before = citizen::find(&stage.database, town.citizen(0)?).await?.ok_or("no citizen")?;
    let after = Citizen {
        nickname: "小绿 🌱 \"引号\" \\ '".to_owned(),
        district: Some("南山".to_owned()),
        on_boards: false,
        ..before
    };
    let transaction = stage.database.begin().await?;
    citizen::update(&transaction, &after).await?;
    transaction.commit().await?;
    assert_eq!(citizen::find(&stage.database, after.id).await?, Some(after));
    let untouched = citizen::find(&stage.database, town.citizen(1)?).await?.ok_or("no citizen")?;
    assert!(untouched.on_boards);
    Ok(())
}

async fn a_phone_belongs_to_one_citizen(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (one, other) = (town.citizen(0)?, town.citizen(1)?);
    let transaction = stage.database.begin().await?;
    citizen::insert_person(&transaction, one, b"key", b"sealed", stage.now()).await?;
    transaction.commit().await?;
    assert_eq!(citizen::find_by_phone(&stage.database, b"key").await?, Some(one));
    assert_eq!(citizen::find_by_phone(&stage.database, b"another").await?, None);
    assert_eq!(citizen::sealed_phone(&stage.database, one).await?.as_deref(), Some(&b"sealed"[..]));
    assert_eq!(citizen::sealed_phone(&stage.database, other).await?, None);
    let transaction = stage.database.begin().await?;
    let again = citizen::insert_person(&transaction, other, b"key", b"sealed", stage.now()).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
    Ok(())
}

async fn roles_are_given_once(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    let till = Grant { role: Role::MerchantStaff, city: town.city.id, merchant: Some(town.merchant) };
    let viewer = Grant { role: Role::CityViewer, city: town.city.id, merchant: None };
    let transaction = stage.database.begin().await?;
    for grant in [till, viewer, till] {
        citizen::grant(&transaction, citizen, &grant, stage.now()).await?;
    }
    transaction.commit().await?;
    assert_eq!(citizen::grants(&stage.database, citizen).await?, [viewer, till]);
    Ok(())
}

async fn consents_keep_the_last_word(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 1).await?;
    let citizen = town.citizen(0)?;
    let later = stage.now() + TimeDelta::microseconds(1);
    let transaction = stage.database.begin().await?;
    citizen::set_consent(&transaction, citizen, "boards", true, stage.now()).await?;
    citizen::set_consent(&transaction, citizen, "bills", true, stage.now()).await?;
    citizen::set_consent(&transaction, citizen, "boards", false, later).await?;
    transaction.commit().await?;
    let consents = citizen::consents(&stage.database, citizen).await?;
    assert_eq!(consents, [("bills".to_owned(), true, stage.now()), ("boards".to_owned(), false, later)]);
    Ok(())
}

async fn erasing_leaves_the_pseudonym_only(stage: Stage) -> Outcome {
    let town = Town::build(&stage, 2).await?;
    let (gone, stays) = (town.citizen(0)?, town.citizen(1)?);
    let transaction = stage.database.begin().await?;
    for (number, citizen) in [(1, gone), (2, stays)] {
        let key = [number; 4];
        citizen::insert_person(&transaction, citizen, &key, b"sealed", stage.now()).await?;
        citizen::set_consent(&transaction, citizen, "boards", true, stage.now()).await?;
        let role = Grant { role: Role::CityViewer, city: town.city.id, merchant: None };
        citizen::grant(&transaction, citizen, &role, stage.now()).await?;
        let token = RefreshToken {
            family: stage.ids.next(),
            citizen,
            expires_at: stage.now(),
            used_at: None,
            revoked_at: None,
        };
        session::insert(&transaction, &key, &token, stage.now()).await?;
        let live = binding_of(&stage, &town, citizen, u64::from(number));
        let ended = binding_of(&stage, &town, citizen, u64::from(number) + 10);
        binding::insert_many(&transaction, &[live, ended.clone()], stage.now()).await?;
        binding::end(&transaction, ended.id, citizen, stage.now()).await?;
    }
    citizen::erase(&transaction, gone, stage.now()).await?;
    transaction.commit().await?;

    assert_eq!(citizen::find(&stage.database, gone).await?, None);
    assert_eq!(citizen::find_by_phone(&stage.database, &[1; 4]).await?, None);
    assert_eq!(binding::list(&stage.database, gone).await?, []);
    assert!(account::find(&stage.database, gone.into()).await?.is_some(), "the ledger keeps the pseudonym");
    for table in ["persons", "refresh_tokens", "role_grants", "consents"] {
        let left = stage.raw.number(&format!("SELECT COUNT(*) FROM {table}")).await?;
        assert_eq!(left, 1, "{table} keeps the other citizen's row only");
    }
    let hints = "SELECT COUNT(*) FROM bindings WHERE subject_hint <> ''";
    assert_eq!(stage.raw.number(hints).await?, 2, "ended bindings are forgotten too");
    assert!(citizen::find(&stage.database, stays).await?.is_some());
    assert_eq!(binding::list(&stage.database, stays).await?.len(), 1);
    Ok(())
}

fn binding_of(stage: &Stage, town: &Town, citizen: CitizenId, number: u64) -> NewBinding {
    NewBinding {
        id: tanhui_domain::id::BindingId::new(stage.ids.next()),
        citizen,
        source: town.source,
        subject: subject(number),
        subject_hint: "1234".to_owned(),
    }
}

async fn a_setting_is_written_once(stage: Stage) -> Outcome {
    assert_eq!(setting::find(&stage.database, "secret").await?, None);
    let transaction = stage.database.begin().await?;
    setting::insert_if_absent(&transaction, "secret", "first").await?;
    setting::insert_if_absent(&transaction, "secret", "second").await?;
    transaction.commit().await?;
    assert_eq!(setting::find(&stage.database, "secret").await?.as_deref(), Some("first"));
    Ok(())
}
