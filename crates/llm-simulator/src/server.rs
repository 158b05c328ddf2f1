//! Listening, and the face of the simulator towards a test.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::batches::Shelf;
use crate::connection::{Breaker, SharedSocket, perform};
use crate::openai::Video;
use crate::record::{Log, Recorded};
use crate::rules::{Match, Rules};
use crate::script::Script;
use crate::service;

/// Settings of a simulator.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// Address to listen on. Port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// The only accepted API key; others get the provider's 401. Default: no key is asked for.
    pub require_key: Option<String>,
    /// Accept request fields that OpenAI does not know, as many compatible services do. Default false.
    pub lenient: bool,
    /// What `GET /models` lists.
    pub models: Vec<String>,
    /// Put before every path when it is matched: with `/jina` a bare `/v1/rerank` is Jina's, where a gateway would drop
    /// such a prefix of an address. Default empty.
    pub prefix: String,
    /// Requests kept for [`Running::requests`]; older ones are forgotten. Default 10 000.
    pub keep_requests: usize,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        let models = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small", "claude-sonnet-4-5"];
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            require_key: None,
            lenient: false,
            models: models.map(str::to_owned).to_vec(),
            prefix: String::new(),
            keep_requests: 10_000,
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: SimulatorConfig,
    pub(crate) log: Log,
    pub(crate) rules: Mutex<Rules>,
    /// How often a header, marker or model-name script with `times` was used.
    pub(crate) used: Mutex<HashMap<String, u32>>,
    /// Prompt prefixes that Anthropic's cache holds.
    pub(crate) cached: Mutex<HashSet<u64>>,
    /// Batches and files.
    pub(crate) shelf: Shelf,
    /// Videos being made, by id.
    pub(crate) videos: Mutex<HashMap<String, Video>>,
    /// Makes ids of different simulators differ.
    pub(crate) seed: u64,
    connections: AtomicU64,
}

impl State {
    pub(crate) fn reset(&self) {
        self.rules.lock().clear();
        self.used.lock().clear();
        self.cached.lock().clear();
        self.videos.lock().clear();
        self.log.clear();
    }
}

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Listens and serves on the current tokio runtime until the result is dropped or shut down.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(config: SimulatorConfig) -> io::Result<Running> {
        let listener = bind(config.listen)?;
        let addr = listener.local_addr()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos());
        let seed = crate::ids::hash(format!("{addr} {now}").as_bytes());
        let state = Arc::new(State {
            log: Log::new(config.keep_requests),
            config,
            rules: Mutex::default(),
            used: Mutex::default(),
            cached: Mutex::default(),
            shelf: Shelf::default(),
            videos: Mutex::default(),
            seed,
            connections: AtomicU64::new(0),
        });
        let (epoch, _) = watch::channel(0);
        let running = Running { addr, state, epoch, accepting: Mutex::new(None) };
        running.accept(listener);
        Ok(running)
    }
}

/// Runs a simulator until `shutdown` completes: the `simulate` command.
///
/// # Errors
/// The address cannot be bound.
pub async fn run(config: SimulatorConfig, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let running = Simulator::start(config).await?;
    shutdown.await;
    running.shutdown().await;
    Ok(())
}

/// A simulator that is serving. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    state: Arc<State>,
    /// Connections of an older epoch end.
    epoch: watch::Sender<u64>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The requests received so far, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.log.all()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Answers requests that match by this script, before any other kind of script. Earlier calls win.
    pub fn script(&self, matcher: Match, script: Script) {
        self.state.rules.lock().add(matcher, script);
    }

    /// One script for each of the next requests that match, in this order.
    pub fn queue(&self, matcher: &Match, scripts: impl IntoIterator<Item = Script>) {
        let mut rules = self.state.rules.lock();
        for script in scripts {
            rules.add(matcher.clone(), script.times(1));
        }
    }

    /// Forgets programmed scripts, counters and recorded requests.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Closes the listening socket and all connections: new ones are refused.
    pub async fn pause(&self) {
        let accepting = self.accepting.lock().take();
        if let Some(task) = accepting {
            task.abort();
            // the listener is closed once the task is gone; being aborted is its only result
            drop(task.await);
        }
        self.epoch.send_modify(|epoch| *epoch += 1);
    }

    /// Listens on the same port again.
    ///
    /// # Errors
    /// The port was taken by someone else.
    pub async fn resume(&self) -> io::Result<()> {
        self.pause().await;
        let listener = bind(self.addr)?;
        self.accept(listener);
        Ok(())
    }

    /// Stops serving.
    pub async fn shutdown(self) {
        self.pause().await;
    }

    fn accept(&self, listener: TcpListener) {
        let (state, epoch) = (Arc::clone(&self.state), self.epoch.clone());
        let task = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((socket, _)) => {
                        state.connections.fetch_add(1, Ordering::Relaxed);
                        tokio::spawn(connection(Arc::clone(&state), socket, epoch.subscribe()));
                    }
                    // out of file descriptors, or the peer left in the queue: the next may work
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
                }
            }
        });
        *self.accepting.lock() = Some(task);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = self.accepting.lock().take() {
            task.abort();
        }
        self.epoch.send_modify(|epoch| *epoch += 1);
    }
}

fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // without it the port stays taken by closed connections for a minute
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(1024)
}

async fn connection(state: Arc<State>, socket: TcpStream, mut epoch: watch::Receiver<u64>) {
    // without NODELAY small chunks wait for acknowledgements; a socket that is gone fails at the first read anyway
    drop(socket.set_nodelay(true));
    let socket = Arc::new(socket);
    let breaker = Arc::new(Breaker::default());
    let service = {
        let breaker = Arc::clone(&breaker);
        service_fn(move |request| service::serve(Arc::clone(&state), Arc::clone(&breaker), request))
    };
    let builder = auto::Builder::new(TokioExecutor::new());
    let io = TokioIo::new(SharedSocket(Arc::clone(&socket)));
    let mut serving = Box::pin(builder.serve_connection(io, service));
    let ending = tokio::select! {
        // hyper first: what it was given is written before the connection breaks
        biased;
        // a client that breaks the protocol or leaves is no event for the simulator
        _ = serving.as_mut() => None,
        ending = breaker.pulled() => Some(ending),
        _ = epoch.changed() => None,
    };
    drop(serving);
    if let Some(ending) = ending {
        tokio::select! {
            () = perform(ending, &socket) => {}
            _ = epoch.changed() => {}
        }
    }
}
