//! Settings as `tanhui config` prints them: a TOML file that could be fed back, except that secrets are
//! hidden.

use std::path::Path;

use super::{SecretSource, Settings};

const HIDDEN: &str = "***";

impl Settings {
    /// The settings as TOML text, without any secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let (secret_name, secret) = match &self.secret {
            SecretSource::Key(_) => ("secret_key", quoted(HIDDEN)),
            SecretSource::File(file) => ("secret_file", path(file)),
        };
        let text = |value: Option<String>| value.unwrap_or_else(|| quoted(""));
        let http = &self.http;
        let sms = self.sms.as_ref();
        let format = match self.log_format {
            crate::logging::LogFormat::Text => "text",
            crate::logging::LogFormat::Json => "json",
        };
        let lines = [
            ("listen", quoted(&self.listen.to_string())),
            ("database_url", quoted(&without_password(&self.database_url))),
            ("redis_url", text(self.redis_url.as_deref().map(|url| quoted(&without_password(url))))),
            ("rules", text(self.rules.as_deref().map(path))),
            ("demo", self.demo.to_string()),
            (secret_name, secret),
            ("sms_webhook_url", text(sms.map(|sms| quoted(&without_password(&sms.url().to_string()))))),
            ("sms_webhook_secret", quoted(if sms.is_some() { HIDDEN } else { "" })),
            ("log_format", quoted(format)),
            ("log", quoted(&self.log)),
            ("body_bytes_max", http.body_bytes_max.to_string()),
            ("request_timeout_seconds", http.request_timeout.as_secs().to_string()),
            ("requests_in_flight_max", http.requests_in_flight_max.to_string()),
            ("requests_per_minute", http.requests_per_minute.to_string()),
            ("partner_requests_per_minute", http.partner_requests_per_minute.to_string()),
            ("connections_max", self.connections_max.to_string()),
            ("shutdown_grace_seconds", self.shutdown_grace.as_secs().to_string()),
            ("client_address_header", text(http.client_address_header.as_ref().map(|h| quoted(h.as_str())))),
            ("gzip", http.gzip.to_string()),
        ];
        lines.map(|(name, value)| format!("{name} = {value}\n")).concat()
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The URL with its password hidden, and its query, where drivers also take passwords, left out.
fn without_password(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(address, _)| address);
    let Some((scheme, rest)) = url.split_once("://") else { return HIDDEN.to_owned() };
    // The last `@` ends the credentials even where a password holds a bare `@` or `/`.
    match rest.rsplit_once('@') {
        None => url.to_owned(),
        Some((login, place)) => {
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            format!("{scheme}://{user}:{HIDDEN}@{place}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let cases = [
            ("postgres://tanhui:s3cret@db:5432/tanhui", "postgres://tanhui:***@db:5432/tanhui"),
            ("postgres://tanhui:s3/cr@t@db/tanhui", "postgres://tanhui:***@db/tanhui"),
            ("postgres://db/tanhui?user=a&password=s3cret", "postgres://db/tanhui"),
            ("redis://:s3cret@cache:6379/0", "redis://:***@cache:6379/0"),
            ("sqlite://tanhui-data/tanhui.db", "sqlite://tanhui-data/tanhui.db"),
            ("s3cret", "***"),
        ];
        for (url, shown) in cases {
            assert_eq!(without_password(url), shown);
        }
    }
}
