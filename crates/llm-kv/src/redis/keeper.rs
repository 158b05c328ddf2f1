//! The background task that connects, watches and reconnects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::client::{Inner, Link};
use super::link::Wire;
use super::stats::one_more;

/// How often a quiet connection is asked for a sign of life, so that its death is known before a request meets it.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Keeps the connection up until `stop`.
pub(crate) async fn keep(inner: Arc<Inner>, stop: CancellationToken) {
    let work = async {
        loop {
            let wait = inner.breaker.lock().wait();
            let first = inner.counts.read().connects == 0 && inner.counts.read().connect_failures == 0;
            if !first {
                tokio::time::sleep(wait).await;
            }
            inner.breaker.lock().probing(Instant::now());
            match probe(&inner).await {
                Ok(wire) => watch(&inner, wire).await,
                Err(why) => missed(&inner, why),
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
    inner.link.store(None);
    inner.up.send_replace(false);
}

/// A new connection that has answered within a call's deadline.
async fn probe(inner: &Inner) -> Result<Wire, String> {
    let settings = &inner.settings;
    let connecting = tokio::time::timeout(settings.connect_timeout, Wire::connect(settings));
    let mut wire = match connecting.await {
        Ok(Ok(wire)) => wire,
        Ok(Err(error)) => return Err(format!("cannot connect: {error}")),
        Err(_) => return Err(format!("no connection within {} ms", settings.connect_timeout.as_millis())),
    };
    match tokio::time::timeout(settings.deadline, wire.send(&redis::cmd("PING"))).await {
        Ok(Ok(_)) => Ok(wire),
        Ok(Err(error)) => Err(format!("connected, but: {error}")),
        Err(_) => Err(format!("connected, but no answer within {} ms", settings.deadline.as_millis())),
    }
}

fn missed(inner: &Inner, why: String) {
    one_more(&inner.counts.connect_failures);
    let mut last = inner.counts.last_error.lock();
    if last.as_deref() != Some(&*why) {
        tracing::warn!(servers = inner.settings.shown(), why, "Redis is not available; the gateway goes on without it");
    }
    *last = Some(why);
    drop(last);
    inner.breaker.lock().not_yet(Instant::now());
}

/// Lets calls through until the connection is found dead.
async fn watch(inner: &Inner, wire: Wire) {
    let away = inner.breaker.lock().close(Instant::now());
    one_more(&inner.counts.connects);
    let dead = CancellationToken::new();
    inner.link.store(Some(Arc::new(Link { wire, dead: dead.clone() })));
    inner.up.send_replace(true);
    tracing::info!(servers = inner.settings.shown(), after_ms = away.as_millis(), "Redis is available");
    loop {
        tokio::select! {
            () = dead.cancelled() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let ping = |mut wire: Wire| async move { wire.send(&redis::cmd("PING")).await };
        if let Err(error) = inner.run(inner.settings.deadline, ping).await {
            tracing::debug!(%error, "no sign of life");
        }
    }
}
