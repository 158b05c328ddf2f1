//! From flags to a serving process, and from a signal to an orderly end.

mod assemble;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use llm_accounts::{Stored, StoredVersion};
use llm_http::HttpClient;
use llm_store::{Store, StoreConfig};
use tokio::sync::watch;

use crate::app::App;
use crate::cli::Serve;
use crate::config::{self, Environment, Loaded, Problem, Severity};
use crate::core::Core;
use crate::reload::Reloader;
use crate::server::{self, ListenSettings};
use crate::signals::Told;
use assemble::assemble;
pub(crate) use assemble::single_sign_on;

/// The port of a gateway that was given none.
pub const DEFAULT_PORT: u16 = 4000;

/// How long streams in flight may go on after the stop signal.
const DRAIN: Duration = Duration::from_secs(30);

/// How long connections are still accepted behind SIGTERM.
const PRE_STOP: Duration = Duration::from_secs(5);

/// How long flushing spend and callbacks may take at the end.
const FLUSH: Duration = Duration::from_secs(20);

/// Serves until a signal comes. Returns the exit code.
///
/// # Errors
/// When the gateway cannot start.
pub fn serve(flags: &Serve, env: &Environment) -> Result<u8> {
    let source = match flags.source().with_bucket(env) {
        Ok(source) => source,
        Err(problem) => return refused(problem),
    };
    let background = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("background")
        .enable_all()
        .build()
        .context("cannot start the background runtime")?;
    let reloader = Arc::new(Reloader::new(flags, env, source.fetched.clone()));
    let filled = match background.block_on(reloader.read_secrets(&source, None)) {
        Ok(filled) => filled,
        Err(problem) => return refused(problem),
    };
    let (loaded, mut problems) = config::load(&config::Source { unread: true, ..source }, &filled);
    problems.extend(flags.problems());
    let mut stderr = std::io::stderr().lock();
    crate::check::print(&problems, &mut stderr).context("cannot write to standard error")?;
    drop(stderr);
    let Some(mut loaded) = loaded.filter(|_| !fatal(&problems)) else { return Ok(1) };
    if flags.validate_config == Some(true) {
        return Ok(0);
    }
    flags.apply(&mut loaded);
    crate::logging::start(&loaded.logging);
    let state = State::open(flags, &mut loaded)?;
    let store = background.block_on(open_store(&loaded, &state))?;
    if flags.skip_server_startup == Some(true) {
        return Ok(0);
    }
    let Some(loaded) = with_store(&reloader, loaded, &store, &background)? else { return Ok(1) };
    let code = run(flags, loaded, store, &background, state, &reloader);
    background.shutdown_timeout(Duration::from_secs(2));
    code
}

/// Tells what keeps the gateway from starting; the exit code.
fn refused(problem: Problem) -> Result<u8> {
    crate::check::print(&[problem], &mut std::io::stderr().lock()).context("cannot write to standard error")?;
    Ok(1)
}

fn fatal(problems: &[Problem]) -> bool {
    problems.iter().any(|p| p.severity == Severity::Error)
}

/// The folder of this gateway, locked against a second one.
struct State {
    folder: Option<PathBuf>,
    _lock: Option<std::fs::File>,
}

impl State {
    fn open(flags: &Serve, loaded: &mut Loaded) -> Result<Self> {
        let Some(folder) = flags.state_folder(&loaded.environment) else {
            loaded.accounts.journal_dir = None;
            return Ok(Self { folder: None, _lock: None });
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the state folder {}", folder.display()))?;
        let path = folder.join("lock");
        let lock = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
        if lock.try_lock().is_err() {
            bail!("{} is in use by another gateway; name another folder with --state-dir", folder.display());
        }
        loaded.accounts.journal_dir = Some(folder.join("journal"));
        Ok(Self { folder: Some(folder), _lock: Some(lock) })
    }
}

async fn open_store(loaded: &Loaded, state: &State) -> Result<Store> {
    let config = match (&loaded.database, &state.folder) {
        (Some(config), _) => config.clone(),
        (None, Some(folder)) => StoreConfig::file(folder.join("store.db")),
        (None, None) => StoreConfig::memory(),
    };
    let store = Store::open(&config).await.context("cannot open the database")?;
    store.migrate().await.context("cannot bring the database's schema up to date")?;
    Ok(store)
}

/// The configuration together with what the database adds; nothing when it cannot be served.
fn with_store(
    reloader: &Reloader,
    loaded: Loaded,
    store: &Store,
    background: &tokio::runtime::Runtime,
) -> Result<Option<Loaded>> {
    let (mut stored, mut version) = (Stored::default(), StoredVersion::default());
    if loaded.accounts.store_model_in_db {
        let seal = loaded.accounts.seal();
        version = background.block_on(StoredVersion::read(store)).context("cannot read models and settings")?;
        stored = background.block_on(Stored::read(store, seal.as_ref())).context("cannot read models and settings")?;
    }
    if let Err(problem) = background.block_on(reloader.read_secrets(&reloader.source(), Some(&stored))) {
        refused(problem)?;
        return Ok(None);
    }
    let (both, problems) = reloader.first(stored, version);
    // Those of the file were told before.
    let new: Vec<Problem> =
        problems.into_iter().filter(|p| p.mark.file.starts_with("database") || both.is_none()).collect();
    crate::check::print(&new, &mut std::io::stderr().lock()).context("cannot write to standard error")?;
    Ok(both.map(|mut both| {
        both.accounts.journal_dir = loaded.accounts.journal_dir;
        both
    }))
}

fn run(
    flags: &Serve,
    loaded: Loaded,
    store: Store,
    background: &tokio::runtime::Runtime,
    state: State,
    reloader: &Arc<Reloader>,
) -> Result<u8> {
    let started = Instant::now();
    // Before anything is served: who is told to end right then must end in order too.
    let told_to_end = {
        let _entered = background.enter();
        crate::signals::watched()
    };
    let tls = crate::tls::acceptor(flags.ssl_certfile.as_deref(), flags.ssl_keyfile.as_deref())?;
    let threads = flags.threads().unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
    let (listeners, settings) = bind(flags, loaded.host, threads)?;
    let http = HttpClient::new(loaded.http.clone());
    let spend_alerts = loaded.alerts.spend;
    let app = Arc::new(assemble(loaded, store, background, &http)?);
    reloader.attach(&app, &http);
    app.accounts.set_serving(Arc::clone(reloader) as Arc<dyn llm_accounts::Serving>);
    if app.place.set(Arc::downgrade(&app)).is_err() {
        tracing::error!("the gateway was put together twice");
    }
    crate::lookout::start(&app, spend_alerts);
    crate::jobs::start(&app, &http, reloader);
    let (stop, stopped) = watch::channel(false);
    let serving: Vec<_> = listeners
        .into_iter()
        .enumerate()
        .map(|(at, listener)| {
            let (app, settings, tls, stopped) = (Arc::clone(&app), settings.clone(), tls.clone(), stopped.clone());
            let http = http.with_own_pool();
            std::thread::Builder::new().name(format!("serve-{at}")).spawn(move || {
                let gauge = Arc::clone(&app.gauge);
                server::serve(
                    listener,
                    &settings,
                    tls,
                    || Core {
                        edge: app.edge.shard(),
                        app,
                        wire: crate::wire::Out::over(&http),
                        http,
                        me: std::sync::Weak::new(),
                    },
                    &gauge,
                    stopped,
                )
            })
        })
        .collect::<std::io::Result<_>>()?;
    tracing::info!(address = %settings.addr, threads, ms = started.elapsed().as_millis(), "serving");
    let told = background.block_on(told_to_end);
    app.gauge.stopping.store(true, Ordering::Relaxed);
    let grace = if told == Told::Terminate { pre_stop(&app, settings.addr) } else { Duration::ZERO };
    if !grace.is_zero() {
        tracing::info!(
            seconds = grace.as_secs(),
            "stopping: probes say no, connections are still accepted for a while"
        );
        background.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(grace) => {}
                _ = crate::signals::watched() => {}
            }
        });
    }
    tracing::info!("stopping: no new connections, streams in flight may finish");
    if stop.send(true).is_err() {
        tracing::warn!("no serving thread is left");
    }
    for thread in serving {
        match thread.join() {
            Ok(result) => result?,
            Err(_) => tracing::error!("a serving thread panicked"),
        }
    }
    background.block_on(flush(&app));
    drop(state);
    Ok(0)
}

/// How long connections are still accepted behind SIGTERM: balancers need a moment to see that the probes say no. Nobody stands
/// before a gateway that only its own machine reaches.
fn pre_stop(app: &App, addr: SocketAddr) -> Duration {
    let usual = if addr.ip().is_loopback() { Duration::ZERO } else { PRE_STOP };
    app.snapshot.load().settings.pre_stop.unwrap_or(usual)
}

/// Writes what is still in memory: spend into the store, records to their sinks.
async fn flush(app: &App) {
    match tokio::time::timeout(FLUSH, app.accounts.shutdown()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, "spend could not be flushed; it stays in the journal"),
        Err(_) => tracing::error!("flushing spend took too long; it stays in the journal"),
    }
    if let Some(store) = &app.store
        && let Err(error) = app.edge.hand_over(store).await
    {
        tracing::warn!(%error, "the number of answered requests could not be written");
    }
    app.bus.shutdown(FLUSH).await;
    if let Some(alerts) = &app.alerts {
        alerts.shutdown(FLUSH).await;
    }
    if let Some(duty) = &app.duty {
        duty.shutdown(FLUSH).await;
    }
    if let Some(store) = &app.store {
        store.close().await;
    }
}

fn bind(flags: &Serve, host: IpAddr, threads: usize) -> Result<(Vec<std::net::TcpListener>, ListenSettings)> {
    let mut settings = ListenSettings {
        addr: SocketAddr::new(host, flags.port.unwrap_or(DEFAULT_PORT)),
        threads,
        beside_others: std::env::var_os("LLM_PROXY_REUSE_PORT").is_some_and(|on| on == "1" || on == "true"),
        keepalive: flags.keepalive_timeout.and_then(llm_client::target::seconds),
        header_timeout: Duration::from_secs(30),
        max_header_bytes: 64 << 10,
        drain: DRAIN,
        max_connections: flags.limit_concurrency,
    };
    let listeners = match server::bind(&settings) {
        // As LiteLLM: 4000 is busy and nobody asked for it, so any free port will do.
        Err(_) if flags.port.is_none() => {
            server::bind(&ListenSettings { addr: SocketAddr::new(host, 0), ..settings.clone() })?
        }
        bound => bound?,
    };
    settings.addr = listeners.first().context("no listener")?.local_addr()?;
    Ok((listeners, settings))
}

/// The simulator as a command of the binary.
///
/// # Errors
/// When the port is taken.
pub fn simulate(port: u16, out: &mut dyn std::io::Write) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let told_to_end = crate::signals::watched();
        let config =
            llm_simulator::SimulatorConfig { listen: SocketAddr::from(([127, 0, 0, 1], port)), ..Default::default() };
        let running =
            llm_simulator::Simulator::start(config).await.with_context(|| format!("cannot listen on port {port}"))?;
        writeln!(out, "simulated OpenAI, Azure and Anthropic at {}", running.base_url())?;
        out.flush()?;
        told_to_end.await;
        running.shutdown().await;
        Ok(0)
    })
}
