//! `keju serve`, the default, and `keju demo`.

use super::ServeArgs;
use crate::app::App;
use crate::config::{Config, LogFormat};
use crate::site::Site;
use crate::webhook::Webhooks;
use crate::{demo, http, pace, server};
use anyhow::{Context, bail};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// Serves until SIGTERM or SIGINT.
pub(super) fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref(), &args)?;
    if args.demo && args.database.is_none() {
        config.database = "sqlite:keju-demo.db".into();
    }
    if args.print_config {
        say_as_is!("{}", toml::to_string_pretty(&config.masked()).context("cannot write the configuration")?);
        return Ok(ExitCode::SUCCESS);
    }
    logging(config.log_format)?;
    super::block_on(serve(config, args.demo))
}

fn logging(format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}

async fn serve(config: Config, demo: bool) -> anyhow::Result<ExitCode> {
    raise_descriptor_limit();
    // Before the address is taken: a signal that comes while the site opens ends it as well.
    let mut stop = stop_signal()?;
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(&config.listen)
        .await
        .with_context(|| format!("listen address {:?} is not understood", config.listen))?
        .collect();
    if demo && !addresses.iter().all(|address| address.ip().is_loopback()) {
        bail!("the demo site has known passwords: it listens on a loopback address only, not at {}", config.listen);
    }
    let webhooks = Arc::new(Webhooks::trusting(&config.webhooks.ca_file)?);
    let site = Site::open(&config).await?;
    if demo {
        demo::prepare(&site.engine).await?;
    } else {
        first_administrator(&site).await?;
    }
    let ears = site.engine.listen();
    let listener = server::listen(&addresses).with_context(|| format!("cannot listen at {}", config.listen))?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let app = App::new(Arc::clone(&site.engine), config);
    app.queue.sign_with(queue_key(&site).await?);
    let router = http::router(&app);
    let heeding = tokio::spawn(Arc::clone(&site.engine).heed_forever(ears));
    let expiry = tokio::spawn(Arc::clone(&site.engine).expire_forever());
    let tidy = tokio::spawn(tidy(Arc::clone(&app)));
    let pace = tokio::spawn(pace::keep_pace(Arc::clone(&app)));
    let flush = tokio::spawn(Arc::clone(&site.engine).flush_forever());
    let tell = tokio::spawn(Arc::clone(&site.engine).tell_forever(webhooks));
    let (hub, engine) = (Arc::clone(&app.hub), Arc::clone(&site.engine));
    let wheel = tokio::spawn(Arc::clone(&hub).run(move || engine.now()));
    // Everything stands: say where.
    if demo {
        demo::greet(address);
    }
    say!("listening on http://{address}");
    std::io::stdout().flush().context("cannot write to standard output")?;
    let (stopping, stopped) = watch::channel(false);
    let serving = server::serve(listener, router, app, stopped);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        _ = stop.changed() => {
            tracing::info!("stopping");
            stopping.send_replace(true);
            tokio::join!(serving, hub.drain());
        }
    }
    heeding.abort();
    expiry.abort();
    tidy.abort();
    pace.abort();
    wheel.abort();
    flush.abort();
    // What was on its way is told again after the next start, under the same id.
    tell.abort();
    // What sockets earned since the last time; whatever fails is at most a beat of each.
    if let Err(error) = site.engine.flush_progress().await {
        tracing::warn!(%error, "coverage of the last beats could not be kept");
    }
    site.close().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Kept in the database: places in the queue outlast a restart, and are the same for every node.
async fn queue_key(site: &Site) -> anyhow::Result<[u8; 32]> {
    let fresh: [u8; 32] = rand::random();
    let key = site.engine.store().setting_or_insert("queue_key", fresh.to_vec()).await?;
    key.try_into().map_err(|_| anyhow::anyhow!("the stored key of the queue has not 32 bytes"))
}

/// Shells give a process a thousand descriptors and let it ask for more: a connection is one.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open descriptors could not be raised");
    }
}

fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sender.send_replace(true);
        // Kept until the end: a receiver of a dropped sender would see an error, not a change.
        sender.closed().await;
    });
    Ok(receiver)
}

/// A new site has one administrator with a one-time password, printed here and nowhere else.
async fn first_administrator(site: &Site) -> anyhow::Result<()> {
    if site.engine.anybody().await? {
        return Ok(());
    }
    // Another node that started at the same time may have made it, and printed the password.
    let Some(password) = site.create_administrator().await? else { return Ok(()) };
    say!("new site: sign in as `admin` with the one-time password {password} and change it");
    say!("新站点：请用账号 admin 和一次性密码 {password} 登录，并立即修改密码");
    Ok(())
}

/// Now and then: forgets quiet rate limits and expired sessions.
async fn tidy(app: Arc<App>) {
    let mut every = tokio::time::interval(Duration::from_secs(60));
    loop {
        every.tick().await;
        app.rates.tidy();
        if let Err(error) = app.engine.store().delete_expired_sessions(app.engine.now()).await {
            tracing::warn!(%error, "expired sessions could not be dropped");
        }
        if let Err(error) = app.engine.purge_tickets().await {
            tracing::warn!(%error, "used tickets could not be dropped");
        }
    }
}
