//! Settings: a flag beats a `TANHUI_*` variable, which beats the file named by `--config`, which beats the
//! default.

mod shown;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::HeaderName;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use tanhui_service::identity::entropy::SystemEntropy;
use tanhui_service::identity::secret::{MasterSecret, SecretError};

use crate::http::server::ServeLimits;
use crate::logging::LogFormat;
use crate::sms::{SmsGateway, SmsGatewayError};

/// What one place says; whatever it leaves out, the next place decides.
#[derive(Debug, Clone, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Given {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "TANHUI_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// `sqlite://FILE` or `postgres://...` [default: `sqlite://tanhui-data/tanhui.db`]
    #[arg(long, global = true, env = "TANHUI_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// `redis://...`; without it cache and boards live in this process
    #[arg(long, global = true, env = "TANHUI_REDIS_URL", hide_env_values = true, value_name = "URL")]
    pub redis_url: Option<String>,
    /// Rule file or folder to load while the database holds no published rule set, or the name of a place
    /// whose rules are shipped: jiaxing, nanchang, guizhou, jiangsu, jiangxi [default: jiaxing]
    #[arg(long, global = true, env = "TANHUI_RULES", value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// Demo mode: the one-time code is always 000000. Loopback addresses only
    #[arg(long, global = true, env = "TANHUI_DEMO", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), value_name = "BOOL")]
    pub demo: Option<bool>,
    /// Master secret: 64 hex digits. Prefer `--secret-file`
    #[arg(long, global = true, env = "TANHUI_SECRET_KEY", hide_env_values = true, value_name = "HEX")]
    pub secret_key: Option<String>,
    /// File with the master secret; made on first start [default: tanhui-data/secret.key]
    #[arg(long, global = true, env = "TANHUI_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Where one-time codes are posted to be sent as SMS: https, or http on this machine
    #[arg(long, global = true, env = "TANHUI_SMS_WEBHOOK_URL", hide_env_values = true, value_name = "URL")]
    pub sms_webhook_url: Option<String>,
    /// Bearer secret for the SMS webhook
    #[arg(
        long,
        global = true,
        env = "TANHUI_SMS_WEBHOOK_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub sms_webhook_secret: Option<String>,
    /// Shape of log lines [default: text]
    #[arg(long, global = true, env = "TANHUI_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What to log, as `level` or `target=level,...` [default: info]
    #[arg(long, global = true, env = "TANHUI_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Largest request body, in bytes [default: 1048576]
    #[arg(long, global = true, env = "TANHUI_BODY_BYTES_MAX", value_name = "BYTES")]
    pub body_bytes_max: Option<usize>,
    /// Longest time for one answer, in seconds [default: 30]
    #[arg(long, global = true, env = "TANHUI_REQUEST_TIMEOUT_SECONDS", value_name = "SECONDS")]
    pub request_timeout_seconds: Option<u64>,
    /// Requests served at once; more are told to come back [default: 1024]
    #[arg(long, global = true, env = "TANHUI_REQUESTS_IN_FLIGHT_MAX", value_name = "N")]
    pub requests_in_flight_max: Option<usize>,
    /// Requests a minute from one address [default: 6000]
    #[arg(long, global = true, env = "TANHUI_REQUESTS_PER_MINUTE", value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// Requests a minute of one data partner [default: 60000]
    #[arg(long, global = true, env = "TANHUI_PARTNER_REQUESTS_PER_MINUTE", value_name = "N")]
    pub partner_requests_per_minute: Option<u32>,
    /// Open connections [default: 4096]
    #[arg(long, global = true, env = "TANHUI_CONNECTIONS_MAX", value_name = "N")]
    pub connections_max: Option<usize>,
    /// Longest wait for running requests when told to stop, in seconds [default: 20]
    #[arg(long, global = true, env = "TANHUI_SHUTDOWN_GRACE_SECONDS", value_name = "SECONDS")]
    pub shutdown_grace_seconds: Option<u64>,
    /// Header in which our own proxy writes the caller's address, such as `x-forwarded-for`
    #[arg(long, global = true, env = "TANHUI_CLIENT_ADDRESS_HEADER", value_name = "HEADER")]
    pub client_address_header: Option<String>,
    /// Compress answers for callers that ask for it
    #[arg(long, global = true, env = "TANHUI_GZIP", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new(), value_name = "BOOL")]
    pub gzip: Option<bool>,
}

/// Bounds of the HTTP layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// Largest request body.
    pub body_bytes_max: usize,
    /// Longest time for one answer.
    pub request_timeout: Duration,
    /// Requests inside at once.
    pub requests_in_flight_max: usize,
    /// Requests a minute from one address.
    pub requests_per_minute: u32,
    /// Requests a minute of one data partner.
    pub partner_requests_per_minute: u32,
    /// Where our proxy writes the caller's address.
    pub client_address_header: Option<HeaderName>,
    /// Whether to compress answers.
    pub gzip: bool,
}

/// Where the master secret comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Given as hex. Never printed.
    Key(String),
    /// Kept in a file, which is made on first start.
    File(PathBuf),
}

impl SecretSource {
    /// The master secret. A secret file that is not there is made.
    pub fn load(&self) -> Result<MasterSecret, SecretError> {
        match self {
            Self::Key(hex) => MasterSecret::from_hex(hex),
            Self::File(path) => MasterSecret::from_file(path, &SystemEntropy),
        }
    }
}

/// Every setting, decided and checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The truth.
    pub database_url: String,
    /// The cache; none: in process.
    pub redis_url: Option<String>,
    /// Rule file or folder to begin with, or the name of a shipped place; none: the default one.
    pub rules: Option<PathBuf>,
    /// Demo mode.
    pub demo: bool,
    /// The master secret.
    pub secret: SecretSource,
    /// The SMS gateway; none: nobody can sign in by phone outside demo mode.
    pub sms: Option<SmsGateway>,
    /// Shape of log lines.
    pub log_format: LogFormat,
    /// What to log.
    pub log: String,
    /// Bounds of the HTTP layers.
    pub http: HttpLimits,
    /// Open connections.
    pub connections_max: usize,
    /// Longest wait for running requests when told to stop.
    pub shutdown_grace: Duration,
}

/// Why the settings cannot stand.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The file is not TOML, or names a setting that does not exist. Does not quote it: it may hold secrets.
    #[error("{path}:{line}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What.
        reason: String,
    },
    /// A number is out of its range.
    #[error("{setting} is {value}; {min} to {max}")]
    OutOfRange {
        /// The setting.
        setting: &'static str,
        /// What was given.
        value: u64,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// Not a header name.
    #[error("client_address_header is {0:?}, which is not a header name")]
    HeaderName(String),
    /// Not an SMS gateway that codes may be posted to. Does not quote it: it may hold secrets.
    #[error("sms_webhook_url and sms_webhook_secret: {0}")]
    Sms(#[from] SmsGatewayError),
    /// Demo mode would be open to the world.
    #[error("demo mode takes loopback addresses only, and listen is {0}: everyone's one-time code is 000000")]
    DemoInTheOpen(SocketAddr),
}

impl Given {
    /// What a TOML file says.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        toml::from_str(&text).map_err(|cause: toml::de::Error| {
            let before = cause.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            ConfigError::Malformed { path: path.to_owned(), line, reason: cause.message().to_owned() }
        })
    }

    /// What this place says, and the other where this one is silent.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        // A secret given as a key and one given as a file are one choice: the stronger place makes it.
        let (secret_key, secret_file) = match (self.secret_key, self.secret_file) {
            (None, None) => (other.secret_key, other.secret_file),
            chosen => chosen,
        };
        Self {
            listen: self.listen.or(other.listen),
            database_url: self.database_url.or(other.database_url),
            redis_url: self.redis_url.or(other.redis_url),
            rules: self.rules.or(other.rules),
            demo: self.demo.or(other.demo),
            secret_key,
            secret_file,
            sms_webhook_url: self.sms_webhook_url.or(other.sms_webhook_url),
            sms_webhook_secret: self.sms_webhook_secret.or(other.sms_webhook_secret),
            log_format: self.log_format.or(other.log_format),
            log: self.log.or(other.log),
            body_bytes_max: self.body_bytes_max.or(other.body_bytes_max),
            request_timeout_seconds: self.request_timeout_seconds.or(other.request_timeout_seconds),
            requests_in_flight_max: self.requests_in_flight_max.or(other.requests_in_flight_max),
            requests_per_minute: self.requests_per_minute.or(other.requests_per_minute),
            partner_requests_per_minute: self
                .partner_requests_per_minute
                .or(other.partner_requests_per_minute),
            connections_max: self.connections_max.or(other.connections_max),
            shutdown_grace_seconds: self.shutdown_grace_seconds.or(other.shutdown_grace_seconds),
            client_address_header: self.client_address_header.or(other.client_address_header),
            gzip: self.gzip.or(other.gzip),
        }
    }
}

impl Settings {
    /// Fills in defaults and checks.
    pub fn decide(given: Given) -> Result<Self, ConfigError> {
        let listen = given.listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080));
        let demo = given.demo.unwrap_or(false);
        if demo && !listen.ip().is_loopback() {
            return Err(ConfigError::DemoInTheOpen(listen));
        }
        let http = http_limits(&given)?;
        let connections = given.connections_max.unwrap_or(4096);
        let grace = given.shutdown_grace_seconds.unwrap_or(20);
        Ok(Self {
            listen,
            database_url: given.database_url.unwrap_or_else(|| "sqlite://tanhui-data/tanhui.db".to_owned()),
            redis_url: given.redis_url.filter(|url| !url.is_empty()),
            rules: given.rules,
            demo,
            secret: match (given.secret_key, given.secret_file) {
                (Some(key), _) => SecretSource::Key(key),
                (None, Some(file)) => SecretSource::File(file),
                (None, None) => SecretSource::File(PathBuf::from("tanhui-data/secret.key")),
            },
            sms: SmsGateway::decide(given.sms_webhook_url, given.sms_webhook_secret)?,
            log_format: given.log_format.unwrap_or_default(),
            log: given.log.unwrap_or_else(|| "info".to_owned()),
            http,
            connections_max: within("connections_max", connections, 1, 1_000_000)?,
            shutdown_grace: Duration::from_secs(within("shutdown_grace_seconds", grace, 0, 3600)?),
        })
    }

    /// Bounds of serving.
    #[must_use]
    pub fn serve_limits(&self) -> ServeLimits {
        ServeLimits {
            connections_max: self.connections_max,
            header_timeout: self.http.request_timeout,
            shutdown_grace: self.shutdown_grace,
        }
    }
}

fn http_limits(given: &Given) -> Result<HttpLimits, ConfigError> {
    let header = given.client_address_header.as_ref().filter(|name| !name.is_empty());
    let client_address_header = header
        .map(|name| HeaderName::try_from(name.as_str()).map_err(|_| ConfigError::HeaderName(name.clone())))
        .transpose()?;
    let body = given.body_bytes_max.unwrap_or(1 << 20);
    let timeout = given.request_timeout_seconds.unwrap_or(30);
    let in_flight = given.requests_in_flight_max.unwrap_or(1024);
    let per_minute = given.requests_per_minute.unwrap_or(6000);
    let of_partner = given.partner_requests_per_minute.unwrap_or(60_000);
    Ok(HttpLimits {
        body_bytes_max: within("body_bytes_max", body, 1024, 64 << 20)?,
        request_timeout: Duration::from_secs(within("request_timeout_seconds", timeout, 1, 600)?),
        requests_in_flight_max: within("requests_in_flight_max", in_flight, 1, 1_000_000)?,
        requests_per_minute: within("requests_per_minute", per_minute, 1, 1_000_000)?,
        partner_requests_per_minute: within("partner_requests_per_minute", of_partner, 1, 100_000_000)?,
        client_address_header,
        gzip: given.gzip.unwrap_or(false),
    })
}

fn within<N: Copy + TryInto<u64>>(
    setting: &'static str,
    value: N,
    min: u64,
    max: u64,
) -> Result<N, ConfigError> {
    let number = value.try_into().unwrap_or(u64::MAX);
    if (min..=max).contains(&number) {
        Ok(value)
    } else {
        Err(ConfigError::OutOfRange { setting, value: number, min, max })
    }
}

#[cfg(test)]
mod tests;
