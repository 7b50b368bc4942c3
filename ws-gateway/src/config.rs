//! Configuration: a file, then the environment, then flags; later ones win.

use crate::cli::ServeArgs;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Everything that can be configured, with its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen at; port 0 takes a free one.
    pub listen: String,
    /// Where data is kept: `sqlite:PATH`, or `postgres://user@host/name` for several nodes.
    pub database: String,
    /// File with the password of the PostgreSQL user; empty: `PGPASSWORD`, or none.
    pub database_password_file: String,
    /// Addresses of reverse proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins beside the site's own whose pages may call with a cookie, such as `https://exam.example.cn`.
    pub allowed_origins: Vec<String>,
    /// Where people reach the site, such as `https://exam.example.cn`: for addresses on paper. Empty: as the
    /// request has reached it.
    pub public_url: String,
    /// Whether the site is reached by HTTPS: cookies are then sent over it only.
    pub secure_cookies: bool,
    /// Whether the integrity layer watches.
    pub heuristics: bool,
    /// The number of this node among several.
    pub node: u16,
    /// Log lines as `text` or `json`.
    pub log_format: LogFormat,
    /// Allowances.
    pub limits: LimitsConfig,
    /// The stream.
    pub stream: StreamConfig,
    /// What partner systems are told.
    pub webhooks: WebhooksConfig,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// Allowances per account and per address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Answers of one account in the long run.
    pub answers_per_second: u32,
    /// Answers of one account at once.
    pub answers_burst: u32,
    /// Starts of one account in the long run.
    pub starts_per_second: u32,
    /// Starts of one account at once.
    pub starts_burst: u32,
    /// Starts of all accounts together, at most; none while answers are slow. The others wait in a queue.
    pub starts_total_per_second: u32,
    /// Other requests of one account in the long run.
    pub requests_per_second: u32,
    /// Other requests of one account at once.
    pub requests_burst: u32,
    /// Failed sign-ins of one account from one address before it has to wait (six times as many from
    /// all addresses together, twenty times as many of all accounts from one address).
    pub sign_in_failures: u32,
    /// Passwords checked at once.
    pub hashes_at_once: usize,
    /// Messages of one socket in the long run.
    pub messages_per_second: u32,
    /// Messages of one socket at once.
    pub messages_burst: u32,
    /// Hellos of all sockets together in the long run.
    pub hellos_per_second: u32,
    /// Hellos of all sockets together at once.
    pub hellos_burst: u32,
}

/// How sockets are looked after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// From the handshake to hello, at most.
    pub hello_ms: u64,
    /// How long a socket may say nothing before it is asked whether it is there.
    pub ping_ms: u64,
    /// How long a socket may say nothing before it is let go.
    pub silent_ms: u64,
    /// How often a learner in an exam is told the time.
    pub clock_ms: u64,
    /// Sockets of one person.
    pub sockets_per_person: u32,
    /// Sockets of one address.
    pub sockets_per_address: u32,
}

/// How partner systems are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// PEM file of certificate authorities that are trusted beside the machine's own; empty: none.
    pub ca_file: String,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            hello_ms: 5_000,
            ping_ms: 20_000,
            silent_ms: 50_000,
            clock_ms: 30_000,
            sockets_per_person: 16,
            sockets_per_address: 10_000,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            database: "sqlite:keju.db".into(),
            database_password_file: String::new(),
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            public_url: String::new(),
            secure_cookies: false,
            heuristics: true,
            node: 1,
            log_format: LogFormat::Text,
            limits: LimitsConfig::default(),
            stream: StreamConfig::default(),
            webhooks: WebhooksConfig::default(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            answers_per_second: 500,
            answers_burst: 2_000,
            starts_per_second: 5,
            starts_burst: 60,
            starts_total_per_second: 500,
            requests_per_second: 200,
            requests_burst: 1_000,
            sign_in_failures: 10,
            hashes_at_once: 2,
            messages_per_second: 20,
            messages_burst: 100,
            hellos_per_second: 1_500,
            hellos_burst: 3_000,
        }
    }
}

impl Config {
    /// Reads the file, if there is one, and lays flags and environment over it.
    ///
    /// # Errors
    /// The named file cannot be read, or something in it is unknown or wrong.
    pub fn load(file: Option<&Path>, flags: &ServeArgs) -> anyhow::Result<Self> {
        let default = Path::new("keju.toml");
        let path = file.or_else(|| default.exists().then_some(default));
        let from_file = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                toml::from_str(&text).with_context(|| format!("in {}", path.display()))?
            }
            None => Self::default(),
        };
        let mut config = from_file.with_environment(|name| std::env::var(name).ok())?;
        if let Some(listen) = &flags.listen {
            config.listen.clone_from(listen);
        }
        if let Some(database) = &flags.database {
            config.database.clone_from(database);
        }
        if let Some(format) = flags.log_format {
            config.log_format = format;
        }
        config.database()?;
        let url = &config.public_url;
        if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
            bail!("public_url {url:?} is no address: give one such as https://exam.example.cn");
        }
        Ok(config)
    }

    /// Lays the environment over the settings: `KEJU_SECURE_COOKIES`, `KEJU_LIMITS_STARTS_BURST` and so on,
    /// each with a value as the file would have it.
    fn with_environment(&self, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let mut table = toml::Table::try_from(self).context("cannot write the configuration")?;
        overlay(&mut table, "KEJU", &variable)?;
        table.try_into().context("in the environment")
    }

    /// Which database it is.
    ///
    /// # Errors
    /// It is given in another form.
    pub fn database(&self) -> anyhow::Result<Database> {
        Database::parse(&self.database)
    }

    /// The password of the PostgreSQL user, unless the address itself has it.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub fn database_password(&self) -> anyhow::Result<Option<String>> {
        if self.database_password_file.is_empty() {
            return Ok(std::env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()));
        }
        let file = Path::new(&self.database_password_file);
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// The same without passwords, to be shown.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self { database: masked(&self.database), ..self.clone() }
    }
}

/// Where data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In a file of its own, by one process.
    Sqlite(PathBuf),
    /// In a PostgreSQL database, by any number of nodes; the address.
    Postgres(String),
}

impl Database {
    /// Reads `sqlite:PATH` or `postgres://…`.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() && path != ":memory:" => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => bail!(
                "database {:?} is not understood: give sqlite:PATH, such as sqlite:keju.db, or postgres://user@host/name",
                masked(text)
            ),
        }
    }
}

/// An address without the password in it.
pub(crate) fn masked(address: &str) -> String {
    let (address, query) = address.split_once('?').map_or((address, None), |(address, query)| (address, Some(query)));
    let mut shown = match address.split_once("://") {
        Some((scheme, rest)) => {
            // A password may hold an @ of its own; a host does not.
            let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
            let user = user.map(|user| match user.split_once(':') {
                Some((name, _)) => format!("{name}:****@"),
                None => format!("{user}@"),
            });
            format!("{scheme}://{}{host}", user.unwrap_or_default())
        }
        None => address.to_owned(),
    };
    if let Some(query) = query {
        let part = |part: &str| match part.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}=****"),
            _ => part.to_owned(),
        };
        shown.push('?');
        shown.push_str(&query.split('&').map(part).collect::<Vec<_>>().join("&"));
    }
    shown
}

fn overlay(table: &mut toml::Table, prefix: &str, variable: &impl Fn(&str) -> Option<String>) -> anyhow::Result<()> {
    for (key, value) in table.iter_mut() {
        let name = format!("{prefix}_{}", key.to_ascii_uppercase());
        match value {
            toml::Value::Table(inner) => overlay(inner, &name, variable)?,
            toml::Value::String(text) => *text = variable(&name).unwrap_or_else(|| std::mem::take(text)),
            other => {
                if let Some(text) = variable(&name) {
                    let read: toml::Table =
                        toml::from_str(&format!("value = {text}")).with_context(|| format!("{name}={text:?}"))?;
                    *other = read.into_iter().next().map_or(toml::Value::Boolean(false), |(_, value)| value);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_environment_wins_over_the_file() {
        let file: Config = toml::from_str("listen = \"127.0.0.1:1\"\n[limits]\nstarts_burst = 7").unwrap();
        let given = |name: &str| match name {
            "KEJU_SECURE_COOKIES" => Some("true".to_owned()),
            "KEJU_LIMITS_STARTS_BURST" => Some("9".to_owned()),
            "KEJU_TRUSTED_PROXIES" => Some("[\"10.0.0.1\"]".to_owned()),
            _ => None,
        };
        let config = file.with_environment(given).unwrap();
        assert_eq!(config.listen, "127.0.0.1:1");
        assert!(config.secure_cookies);
        assert_eq!(config.limits.starts_burst, 9);
        assert_eq!(config.trusted_proxies.len(), 1);
        assert!(file.with_environment(|name| (name == "KEJU_NODE").then(|| "many".to_owned())).is_err());
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(toml::from_str::<Config>("lisen = \"x\"").is_err());
    }

    #[test]
    fn databases_are_told_apart_and_passwords_are_not_shown() {
        assert!(Database::parse("mysql://x").is_err() && Database::parse("sqlite::memory:").is_err());
        assert_eq!(Database::parse("sqlite:a b.db").unwrap(), Database::Sqlite("a b.db".into()));
        let secret = "s3:cr@t";
        for address in [
            format!("postgres://keju:{secret}@db.example:5433/site?sslmode=disable"),
            format!("postgresql://keju@db/site?password={secret}&host=/run"),
            format!("mysql://keju:{secret}@db/site"),
        ] {
            let config = Config { database: address.clone(), ..Config::default() };
            let shown = format!("{:?} {:?}", config.masked(), Database::parse(&config.masked().database));
            assert!(!shown.contains("cr@t") && !shown.contains("s3"), "{shown}");
            assert!(shown.contains("keju"));
        }
        let plain = Config { database: "postgres://keju@%2Frun/site".into(), ..Config::default() };
        assert_eq!(plain.masked(), plain);
    }
}
