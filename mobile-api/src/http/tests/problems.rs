use axum::extract::ConnectInfo;
use std::net::SocketAddr;

use super::*;

#[tokio::test]
async fn a_good_request_passes_every_layer() {
    let answer = send(&application(&limits()), post_json("/rides", r#"{"legs":[{"distance_m":700}]}"#)).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "700"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(uuid::Uuid::parse_str(answer.header("x-request-id")).is_ok());
}

#[tokio::test]
async fn json_that_does_not_fit_is_told_where() {
    let app = application(&limits());
    let cases: [(&[u8], &str, u16); 8] = [
        (b"{\"legs\": [", "malformed_json", 400),
        (b"", "malformed_json", 400),
        (b"{\"legs\": []} x", "malformed_json", 400),
        (b"{\"legs\": [{\"distance_m\": \xff}]}", "invalid_utf8", 400),
        (br#"{"legs": [{"distance_m": 1}, {"distance_m": -1}]}"#, "invalid_body", 422),
        (br#"{"legs": [{"distance_m": 1.5}]}"#, "invalid_body", 422),
        (br#"{"legs": [], "extra": 1}"#, "invalid_body", 422),
        (br#"{"legs": [], "legs": []}"#, "invalid_body", 422),
    ];
    for (body, code, status) in cases {
        let answer = send(&app, post_json("/rides", body.to_vec())).await;
        problem(&answer, code);
        assert_eq!(answer.status.as_u16(), status);
    }
    let answer = send(&app, post_json("/rides", r#"{"legs":[{"distance_m":1},{"distance_m":"x"}]}"#)).await;
    let document = problem(&answer, "invalid_body");
    assert_eq!(document["errors"][0]["pointer"], "/legs/1/distance_m");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    problem(&send(&app, post_json("/rides", nested)).await, "invalid_body");
}

#[tokio::test]
async fn content_types_other_than_utf_8_json_are_refused() {
    let app = application(&limits());
    for (kind, taken) in [
        (Some("application/json"), true),
        (Some("Application/JSON; charset=UTF-8"), true),
        (Some("application/merge-patch+json"), true),
        (Some("application/json; charset=gbk"), false),
        (Some("text/plain"), false),
        (Some("text/json+json"), false),
        (None, false),
    ] {
        let mut request = post_json("/rides", r#"{"legs":[]}"#);
        request.headers_mut().remove("content-type");
        if let Some(kind) = kind {
            request.headers_mut().insert("content-type", kind.parse().unwrap());
        }
        let answer = send(&app, request).await;
        assert_eq!(answer.status.as_u16(), if taken { 200 } else { 415 }, "{kind:?}");
        if !taken {
            problem(&answer, "unsupported_media_type");
        }
    }
}

#[tokio::test]
async fn bodies_are_held_to_the_limit() {
    let limit = 2_000;
    let app = application(&HttpLimits { body_bytes_max: limit, ..limits() });
    let frame = r#"{"legs":[]}"#;
    for (length, fits) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
        let body = format!("{frame}{}", " ".repeat(length - frame.len()));
        let declared = send(&app, post_json("/rides", body.clone())).await;
        let chunked = Body::from_stream(tokio_stream(body));
        let chunked = send(&app, post_json("/rides", chunked)).await;
        for answer in [declared, chunked] {
            assert_eq!(answer.status.as_u16(), if fits { 200 } else { 413 }, "{length}");
            if !fits {
                problem(&answer, "body_too_large");
            }
        }
    }
}

/// The text in pieces, without a declared length.
fn tokio_stream(text: String) -> impl futures::Stream<Item = Result<Vec<u8>, std::io::Error>> {
    let pieces: Vec<_> = text.into_bytes().chunks(100).map(|piece| Ok(piece.to_vec())).collect();
    futures::stream::iter(pieces)
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_callers_problem() {
    let broken = futures::stream::iter([Ok(b"{\"le".to_vec()), Err(std::io::Error::other("gone"))]);
    let answer = send(&application(&limits()), post_json("/rides", Body::from_stream(broken))).await;
    problem(&answer, "unreadable_body");
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems_too() {
    let app = application(&limits());
    problem(&send(&app, ask("GET", "/nowhere")).await, "not_found");
    let answer = send(&app, ask("DELETE", "/rides")).await;
    problem(&answer, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn queries_and_paths_name_the_parameter() {
    let app = application(&limits());
    assert_eq!(send(&app, ask("GET", "/list")).await.body, "20");
    for query in ["limit=0", "limit=101", "limit=x", "limit=1&limit=2"] {
        let answer = send(&app, ask("GET", &format!("/list?{query}"))).await;
        problem(&answer, "invalid_query");
    }
    let document = problem(&send(&app, ask("GET", "/list?limit=101")).await, "invalid_query");
    assert_eq!(document["errors"][0]["pointer"], "/limit");
    let document = problem(&send(&app, ask("GET", "/list?limti=1")).await, "invalid_query");
    assert!(document["errors"][0]["detail"].as_str().unwrap().contains("limti"), "{document}");
    problem(&send(&app, ask("GET", "/item/7")).await, "invalid_path");
    problem(&send(&app, ask("GET", "/item/%ff")).await, "invalid_path");
}

#[tokio::test]
async fn value_moves_only_under_an_idempotency_key() {
    let app = application(&limits());
    let keyed = |key: &str| {
        let mut request = ask("POST", "/pay");
        request.headers_mut().append("idempotency-key", key.parse().unwrap());
        request
    };
    assert_eq!(send(&app, keyed("\"a-1\"")).await.body, "a-1");
    problem(&send(&app, ask("POST", "/pay")).await, "idempotency_key_required");
    problem(&send(&app, keyed("")).await, "idempotency_key_invalid");
    let mut twice = keyed("a");
    twice.headers_mut().append("idempotency-key", "b".parse().unwrap());
    problem(&send(&app, twice).await, "idempotency_key_invalid");
}

#[tokio::test]
async fn the_caller_chooses_the_language() {
    let app = application(&limits());
    let mut request = ask("GET", "/nowhere");
    let english = problem(&send(&app, ask("GET", "/nowhere")).await, "not_found");
    assert_eq!(english["title"], "Not found");
    request.headers_mut().remove("accept-language");
    let answer = send(&app, request).await;
    assert_eq!(problem(&answer, "not_found")["title"], "没有找到");
    assert_eq!(answer.header("content-language"), "zh-CN");
}

#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing() {
    let answer = send(&application(&limits()), ask("GET", "/panic")).await;
    problem(&answer, "internal");
    assert!(!answer.body.contains("secret"), "{}", answer.body);
}

#[tokio::test]
async fn a_slow_answer_is_cut_off() {
    let answer = send(&application(&short(limits())), ask("GET", "/slow")).await;
    problem(&answer, "timed_out");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn a_full_house_sheds_and_empties_again() {
    let app = application(&HttpLimits { requests_in_flight_max: 1, ..limits() });
    let inside = tokio::spawn(app.clone().oneshot(ask("GET", "/slow")));
    // The first poll of the spawned request takes the only permit.
    while send(&app, ask("GET", "/list")).await.status == StatusCode::OK {
        tokio::task::yield_now().await;
    }
    let answer = send(&app, ask("GET", "/list")).await;
    problem(&answer, "overloaded");
    inside.abort();
    assert!(inside.await.unwrap_err().is_cancelled());
    assert_eq!(send(&app, ask("GET", "/list")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_address_has_one_quota() {
    let app = application(&HttpLimits { requests_per_minute: 2, ..limits() });
    let from = |last: u8| {
        let mut request = ask("GET", "/list");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, last], 9))));
        request
    };
    for left in ["1", "0"] {
        let answer = send(&app, from(1)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("ratelimit-policy"), "\"address\";q=2;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"address\";r={left};t=")));
    }
    let refused = send(&app, from(1)).await;
    problem(&refused, "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait) && refused.header("ratelimit").contains("r=0"));
    assert_eq!(send(&app, from(2)).await.status, StatusCode::OK);
}
