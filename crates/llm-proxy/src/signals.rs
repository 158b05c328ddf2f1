//! The system's word that the process is to end.

/// Who wants the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Who runs the process: SIGTERM.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is Ctrl-C only"))]
    Terminate,
    /// Somebody at the keyboard: SIGINT.
    Interrupt,
}

/// SIGTERM and SIGINT are watched from now on: the future ends with the first of them, also with one that came before anybody
/// waited. To be called where a runtime is entered.
#[cfg(unix)]
pub(crate) fn watched() -> impl Future<Output = Told> {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    let watch = |kind| signal(kind).inspect_err(|error| tracing::warn!(%error, "a signal cannot be watched")).ok();
    let (mut terminate, mut interrupt) = (watch(SignalKind::terminate()), watch(SignalKind::interrupt()));
    async fn came(signal: Option<&mut Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
    async move {
        tokio::select! {
            () = came(terminate.as_mut()) => Told::Terminate,
            () = came(interrupt.as_mut()) => Told::Interrupt,
        }
    }
}

/// The same where there is Ctrl-C only.
#[cfg(not(unix))]
pub(crate) async fn watched() -> Told {
    drop(tokio::signal::ctrl_c().await);
    Told::Interrupt
}
