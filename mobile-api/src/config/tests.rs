use super::*;

fn given(toml: &str) -> Given {
    toml::from_str(toml).unwrap()
}

#[test]
fn the_stronger_place_wins_setting_by_setting() {
    let flags = given("listen = \"127.0.0.1:1\"\nsecret_file = \"a\"");
    let file = given("listen = \"127.0.0.1:2\"\nlog = \"debug\"\nsecret_key = \"00\"");
    let settings = Settings::decide(flags.or(file)).unwrap();
    assert_eq!(settings.listen.port(), 1);
    assert_eq!(settings.log, "debug");
    assert!(settings.secret == SecretSource::File("a".into()));
    assert_eq!(settings.database_url, "sqlite://tanhui-data/tanhui.db");
}

#[test]
fn unknown_settings_and_wrong_types_are_refused() {
    assert!(toml::from_str::<Given>("lisen = \"127.0.0.1:1\"").is_err());
    assert!(toml::from_str::<Given>("body_bytes_max = \"1\"").is_err());
}

#[test]
fn numbers_are_held_at_both_ends() {
    let fits = |toml: &str| Settings::decide(given(toml)).is_ok();
    for (name, min, max) in [
        ("body_bytes_max", 1024_u64, 67_108_864),
        ("request_timeout_seconds", 1, 600),
        ("requests_in_flight_max", 1, 1_000_000),
        ("requests_per_minute", 1, 1_000_000),
        ("partner_requests_per_minute", 1, 100_000_000),
        ("connections_max", 1, 1_000_000),
        ("shutdown_grace_seconds", 0, 3600),
    ] {
        assert!(fits(&format!("{name} = {min}")) && fits(&format!("{name} = {max}")), "{name}");
        assert!(!fits(&format!("{name} = {}", max + 1)), "{name} above");
        assert!(min == 0 || !fits(&format!("{name} = {}", min - 1)), "{name} below");
    }
}

#[test]
fn demo_mode_stays_on_loopback() {
    for (listen, fits) in
        [("127.0.0.1:8080", true), ("[::1]:8080", true), ("0.0.0.0:8080", false), ("192.0.2.1:80", false)]
    {
        let decided = Settings::decide(given(&format!("demo = true\nlisten = \"{listen}\"")));
        assert_eq!(decided.is_ok(), fits, "{listen}");
    }
}

#[test]
fn an_sms_gateway_comes_whole_and_not_in_the_open() {
    let decide = |toml: &str| Settings::decide(given(toml)).map(|settings| settings.sms.is_some());
    let url = "sms_webhook_url = \"https://sms.example/send\"";
    assert!(decide(&format!("{url}\nsms_webhook_secret = \"s\"")).unwrap());
    assert!(matches!(decide(url), Err(ConfigError::Sms(_))));
    let open = "sms_webhook_url = \"http://sms.example/send\"\nsms_webhook_secret = \"hush\"";
    let message = decide(open).unwrap_err().to_string();
    assert!(message.contains("sms_webhook_url") && !message.contains("hush"), "{message}");
}

#[test]
fn what_is_shown_can_be_fed_back_and_hides_secrets() {
    let toml = "sms_webhook_url = \"https://sms.example/send?key=hush\"\nsms_webhook_secret = \"hush\"\n\
         secret_key = \"c0ffee\"\nredis_url = \"redis://:hush@cache\"\nclient_address_header = \"x-real-ip\"";
    let shown = Settings::decide(given(toml)).unwrap().shown();
    assert!(!shown.contains("c0ffee") && !shown.contains("hush"), "{shown}");
    let again = Settings::decide(given(&shown)).unwrap();
    assert_eq!(again.shown(), shown);
    let plain = Settings::decide(Given::default()).unwrap();
    assert!(Settings::decide(given(&plain.shown())).unwrap().shown() == plain.shown());
}

#[test]
fn a_faulty_file_is_named_by_line_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tanhui.toml");
    for text in ["demo = true\nsecret_key = c0ffee\n", "demo = true\nlisten = \"c0ffee\" \"c0ffee\"\n"] {
        std::fs::write(&path, text).unwrap();
        let message = Given::from_file(&path).unwrap_err().to_string();
        assert!(message.contains("tanhui.toml:2: ") && !message.contains("c0ffee"), "{message}");
    }
    let missing = Given::from_file(&folder.path().join("none.toml")).unwrap_err();
    assert!(matches!(missing, ConfigError::Unreadable { .. }), "{missing}");
}
