use tanhui_domain::id::{CitizenId, CityId, MerchantId};
use tanhui_service::identity::role::Role;
use tanhui_service::identity::token::Claims;
use uuid::Uuid;

use super::*;

fn token(roles: &[Role], merchant: Option<u128>, age_seconds: i64) -> String {
    let issued = DateTime::from_timestamp(Noon.now().timestamp().saturating_sub(age_seconds), 0).unwrap();
    let citizen = CitizenId::new(Uuid::from_u128(1));
    let mut claims = Claims::new(citizen, CityId::new(3), roles.to_vec(), Uuid::from_u128(2), issued);
    claims.merchant = merchant.map(|number| MerchantId::new(Uuid::from_u128(number)));
    state().services.keys.token().sign(&claims).unwrap()
}

fn ask_as(path: &str, authorization: &str) -> Request<Body> {
    let mut request = ask("GET", path);
    request.headers_mut().append("authorization", authorization.parse().unwrap());
    request
}

#[tokio::test]
async fn a_token_opens_what_its_roles_allow_and_no_more() {
    let app = application(&limits());
    let citizen = format!("Bearer {}", token(&[Role::Citizen], None, 0));
    let answer = send(&app, ask_as("/me", &citizen)).await;
    assert_eq!(answer.body, Uuid::from_u128(1).to_string());
    problem(&send(&app, ask_as("/till", &citizen)).await, "forbidden");
    problem(&send(&app, ask_as("/console", &citizen)).await, "forbidden");
    for role in [Role::CityViewer, Role::CityEditor, Role::CityApprover, Role::CityReviewer] {
        let office = format!("bearer {}", token(&[role], None, 0));
        assert_eq!(send(&app, ask_as("/console", &office)).await.body, "3");
        problem(&send(&app, ask_as("/me", &office)).await, "forbidden");
    }
    for merchant in [Some(9), None] {
        let staff = format!("Bearer {}", token(&[Role::MerchantStaff], merchant, 0));
        problem(&send(&app, ask_as("/till", &staff)).await, "forbidden");
    }
}

#[tokio::test]
async fn without_a_good_token_nobody_is_signed_in() {
    let app = application(&limits());
    let answer = send(&app, ask("GET", "/me")).await;
    problem(&answer, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let good = token(&[Role::Citizen], None, 0);
    for bad in
        [String::new(), "Bearer".to_owned(), good.clone(), format!("Basic {good}"), format!("Bearer {good}x")]
    {
        problem(&send(&app, ask_as("/me", &bad)).await, "unauthorized");
    }
    let mut twice = ask_as("/me", &format!("Bearer {good}"));
    twice.headers_mut().append("authorization", "Bearer other".parse().unwrap());
    problem(&send(&app, twice).await, "unauthorized");
    for (age, fits) in [(899, true), (900, false)] {
        let answer =
            send(&app, ask_as("/me", &format!("Bearer {}", token(&[Role::Citizen], None, age)))).await;
        assert_eq!(answer.status.is_success(), fits, "{age}");
        assert!(fits || answer.json()["code"] == "token_expired");
    }
}
