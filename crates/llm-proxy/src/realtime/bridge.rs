//! Bytes both ways until one side is gone.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use llm_client::{Session, Tail as _};
use llm_http::UpgradedIo;
use llm_types::{Error, Kind};
use llm_wire::realtime::{SessionMeter, close_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use crate::app::App;
use crate::pass::tail::RelayTail;

/// How much is read at once.
const CHUNK: usize = 16 << 10;

/// Stands until both sides are gone, then settles.
pub(super) async fn run(upgrade: OnUpgrade, session: Session, tail: RelayTail, app: Arc<App>) {
    let _running = app; // the process waits for what it holds
    let mut open = Open { session, meter: SessionMeter::default(), tail: Some(tail), first: Instant::now() };
    let ended = match upgrade.await {
        Ok(caller) => carry(TokioIo::new(caller), &mut open.session.io, &mut open.meter).await,
        Err(error) => Err(client(io::Error::other(error))),
    };
    open.settle(match ended {
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
    first: Instant,
}

impl Open {
    fn settle(&mut self, error: Option<Error>) {
        let Some(tail) = self.tail.take() else { return };
        let mut report = self.session.report(*self.meter.usage(), self.meter.id(), error);
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
enum Gone {
    Client,
    Upstream(io::Error),
}

/// Clients come and go: that is no error.
fn client(error: io::Error) -> Gone {
    tracing::debug!(%error, "the client of a session is gone");
    Gone::Client
}

async fn carry(caller: TokioIo<Upgraded>, upstream: &mut UpgradedIo, meter: &mut SessionMeter) -> Result<(), Gone> {
    let (mut client_in, mut client_out) = split(caller);
    let (mut upstream_in, mut upstream_out) = split(upstream);
    let to_upstream = asked(&mut client_in, &mut upstream_out);
    let to_client = answered(&mut upstream_in, &mut client_out, meter);
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
