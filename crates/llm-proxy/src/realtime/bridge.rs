//! Bytes both ways until one side is gone.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use llm_accounts::Identity;
use llm_client::{Session, Tail as _, Target};
use llm_http::UpgradedIo;
use llm_types::{Error, Kind};
use llm_wire::realtime::{First, Opening, SessionMeter, client_frame, close_frame, live_model, with_live_model};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use super::Carried;
use super::guarded::Guarded;
use crate::app::App;
use crate::pass::tail::RelayTail;
use crate::snapshot::Snapshot;

/// How much is read at once.
pub(super) const CHUNK: usize = 16 << 10;
/// How long a client may take to say what a session is for.
const SETUP: std::time::Duration = std::time::Duration::from_secs(60);

/// What a client's first message has to pass: the model that it names has to be allowed.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) who: Arc<Identity>,
    pub(super) snapshot: Arc<Snapshot>,
    /// Whose deployments a group's name may stand for.
    pub(super) provider: &'static str,
    /// What stands in front of a model's name at the provider.
    pub(super) resource: String,
}

impl Setup {
    /// The message as the provider wants it, and the model.
    fn judged(&self, first: &First) -> llm_types::Result<(Vec<u8>, String)> {
        let named = live_model(&first.text)
            .ok_or_else(|| Error::bad_request("the first message of a session has to be a setup that names a model"))?;
        let router = &self.snapshot.engine.router;
        let group = crate::scope::group(router, &self.who, &named);
        if !self.who.may_use(group) {
            return Err(Error::new(Kind::PermissionDenied, format!("this key may not use {group}")));
        }
        // a group of the router stands for the model of its first deployment
        let target = router.first(group, &crate::scope::of(&self.who)).and_then(|d| d.payload::<Target>());
        let target = target.filter(|t| t.provider_id() == self.provider);
        let model = target.map_or(group, |t| &*t.model).to_owned();
        Ok((with_live_model(&first.text, &format!("{}{model}", self.resource))?, model))
    }
}

/// Stands until both sides are gone, then settles.
pub(super) async fn run(upgrade: OnUpgrade, session: Session, tail: RelayTail, carried: Carried, app: Arc<App>) {
    let _running = app; // the process waits for what it holds
    let mut open = Open {
        session,
        meter: SessionMeter::new(carried.dialect),
        tail: Some(tail),
        guarded: carried.guarded,
        first: Instant::now(),
    };
    let ended = match upgrade.await {
        Ok(caller) => open.carry(TokioIo::new(caller), carried.setup).await,
        Err(error) => Err(client(io::Error::other(error))),
    };
    open.settle(match ended {
        Err(Gone::Refused(error)) => Some(error),
        Err(Gone::Upstream(error)) => {
            let why = format!("the upstream broke the session off: {error}");
            Some(Error::new(Kind::MidStream, why))
        }
        _ => None,
    });
}

/// A session that is settled once, also when the process ends in the middle of it.
struct Open {
    session: Session,
    meter: SessionMeter,
    tail: Option<RelayTail>,
    guarded: Option<Guarded>,
    first: Instant,
}

impl Open {
    async fn carry(&mut self, mut caller: TokioIo<Upgraded>, setup: Option<Setup>) -> Result<(), Gone> {
        if let Some(setup) = setup {
            let opening = tokio::time::timeout(SETUP, self.opened(&mut caller, &setup)).await;
            let late = || Err(Gone::Refused(Error::bad_request("the client did not say what the session is for")));
            let refused = match opening.unwrap_or_else(|_| late()) {
                Ok(()) => None,
                Err(Gone::Refused(error)) => Some(error),
                Err(gone) => return Err(gone),
            };
            if let Some(error) = refused {
                let farewell = close_frame(1008, &error.message);
                caller.write_all(&farewell).await.map_err(client)?;
                caller.shutdown().await.map_err(client)?;
                return Err(Gone::Refused(error));
            }
        }
        match &self.guarded {
            Some(guarded) => guarded.carry(caller, &mut self.session.io, &mut self.meter).await,
            None => carry(caller, &mut self.session.io, &mut self.meter).await,
        }
    }

    /// Holds the client's first message until it is judged, and passes it on.
    async fn opened(&mut self, caller: &mut TokioIo<Upgraded>, setup: &Setup) -> Result<(), Gone> {
        let mut opening = Opening::default();
        let mut buffer = vec![0; CHUNK];
        loop {
            let n = caller.read(&mut buffer).await.map_err(client)?;
            if n == 0 {
                return Err(client(io::ErrorKind::UnexpectedEof.into()));
            }
            let said = opening.feed(buffer.get(..n).unwrap_or_default()).map_err(Gone::Refused)?;
            let Some(first) = said else { continue };
            let (text, model) = setup.judged(&first).map_err(Gone::Refused)?;
            self.session.model = Arc::from(model);
            if let Some(tail) = &mut self.tail {
                tail.names(Arc::clone(&self.session.model));
            }
            let io = &mut self.session.io;
            io.write_all(&client_frame(&text, first.binary)).await.map_err(Gone::Upstream)?;
            io.write_all(&first.rest).await.map_err(Gone::Upstream)?;
            return io.flush().await.map_err(Gone::Upstream);
        }
    }

    fn settle(&mut self, error: Option<Error>) {
        let Some(mut tail) = self.tail.take() else { return };
        if let Some(guarded) = &self.guarded {
            tail.judged(&guarded.ran());
        }
        let mut report = self.session.report(self.meter.usage(), self.meter.id(), error);
        report.first_byte = Some(self.first);
        Box::new(tail).done(report);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.settle(None);
    }
}

/// Which side broke off.
pub(super) enum Gone {
    Client,
    /// We sent it away.
    Refused(Error),
    Upstream(io::Error),
}

/// Clients come and go: that is no error.
pub(super) fn client(error: io::Error) -> Gone {
    tracing::debug!(%error, "the client of a session is gone");
    Gone::Client
}

async fn carry(caller: TokioIo<Upgraded>, upstream: &mut UpgradedIo, meter: &mut SessionMeter) -> Result<(), Gone> {
    let (mut client_in, mut client_out) = split(caller);
    let (mut upstream_in, mut upstream_out) = split(upstream);
    let to_upstream = asked(&mut client_in, &mut upstream_out);
    let to_client = answered(&mut upstream_in, &mut client_out, meter);
    both(to_upstream, to_client).await
}

/// Runs both directions until the session is over.
pub(super) async fn both(
    to_upstream: impl Future<Output = Result<(), Gone>>,
    to_client: impl Future<Output = Result<(), Gone>>,
) -> Result<(), Gone> {
    tokio::pin!(to_upstream, to_client);
    tokio::select! {
        ended = &mut to_client => ended,
        ended = &mut to_upstream => match ended {
            // The client has said all it wants to say: the upstream may still answer its farewell.
            Ok(()) => {
                let rest = tokio::time::timeout(std::time::Duration::from_secs(5), to_client).await;
                rest.unwrap_or(Ok(()))
            }
            gone => gone,
        },
    }
}

/// What the client says.
async fn asked(from: &mut ReadHalf<TokioIo<Upgraded>>, to: &mut WriteHalf<&mut UpgradedIo>) -> Result<(), Gone> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = from.read(&mut buffer).await.map_err(client)?;
        let piece = buffer.get(..n).unwrap_or_default();
        if piece.is_empty() {
            return to.shutdown().await.map_err(Gone::Upstream);
        }
        to.write_all(piece).await.map_err(Gone::Upstream)?;
        to.flush().await.map_err(Gone::Upstream)?;
    }
}

/// What the upstream says. A client is never left without a farewell.
async fn answered(
    from: &mut ReadHalf<&mut UpgradedIo>,
    to: &mut WriteHalf<TokioIo<Upgraded>>,
    meter: &mut SessionMeter,
) -> Result<(), Gone> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await;
        let n = match read {
            Ok(n) if n > 0 => n,
            ended => {
                if !meter.closed() && meter.at_border() {
                    let close = close_frame(1011, "the upstream ended the session");
                    to.write_all(&close).await.map_err(client)?;
                }
                to.shutdown().await.map_err(client)?;
                return match ended {
                    Err(error) => Err(Gone::Upstream(error)),
                    Ok(_) if meter.closed() => Ok(()),
                    Ok(_) => Err(Gone::Upstream(io::ErrorKind::UnexpectedEof.into())),
                };
            }
        };
        let piece = buffer.get(..n).unwrap_or_default();
        meter.feed(piece);
        to.write_all(piece).await.map_err(client)?;
        to.flush().await.map_err(client)?;
    }
}
