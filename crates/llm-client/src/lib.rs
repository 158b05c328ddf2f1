//! One call done well: the SDK over plan, attempts and stream.
//!
//! - [`call`]: what is asked, as it came, and the controls that travel with it.
//! - [`target`]: a deployment made ready: provider, address, credential, prices.
//! - [`engine`]: attempts over deployments until one answers ([`Engine`]).
//! - [`answer`]: what comes back: head, whole body or stream, and the report of what it consumed.
//! - [`task`]: images, audio, rerank ... ([`ByteStream`] carries what goes on as it comes).
//! - [`carried`]: bodies that go on as they come, with somebody who reads along.
//! - [`upload`]: forms that go out while they come in.
//! - [`stored`]: answers that a provider keeps.
//! - [`relay`]: what nobody reads: passed on, and billed by what its bytes say.
//! - [`resources`]: what providers keep beside answering calls, in OpenAI's words.
//! - [`session`]: sessions over WebSockets.
//! - [`replay`]: a whole answer told as a stream.
//! - [`sdk`]: `completion`, `embedding`, `messages`, `create_batch`, `realtime` ... for programs without a gateway ([`Client`]).
//!
//! Inside: `plan` decides the lane of an attempt, `attempt` does it, `stream` carries a streamed answer and
//! settles its report exactly once, whoever hangs up first.

pub mod answer;
mod answered;
mod attempt;
mod auto;
pub mod batch;
mod beside;
pub mod bytes_out;
mod cached;
pub mod call;
pub mod carried;
mod cleared;
mod count;
mod defaults;
pub mod engine;
pub mod errand;
mod estimate;
mod events_out;
mod facts;
mod follow;
pub mod form;
mod hedge;
mod marks;
mod media;
mod mock;
mod objects;
mod onward;
pub mod own;
mod partial;
mod pictures;
mod pipe;
mod plan;
mod price;
mod rehearsed;
pub mod relay;
pub mod replay;
pub mod resources;
pub mod sdk;
mod searches;
mod send;
pub mod session;
pub mod stored;
mod stream;
mod tail;
mod tap;
pub mod target;
pub mod task;
mod thoughts;
mod tokens;
mod transport;
pub mod upload;
mod vector;
mod whole;
mod wording;

pub use answer::{Answer, Head, Report};
pub use attempt::Made;
pub use bytes_out::ByteStream;
pub use call::{Call, Controls, VIA};
pub use engine::{Engine, EngineSettings, Failure, Gate, Open};
pub use errand::{Errand, Purpose};
pub use facts::encrypted_content;
pub use own::{MayBring, Own};
pub use price::Adjustments;
pub use relay::{Relay, RelayBody, RelayHead, Relayed, Tariff};
pub use sdk::Client;
pub use session::{Handshake, Session};
pub use stored::{StoredCall, StoredReply};
pub use stream::StreamBody;
pub use tail::Tail;
pub use target::{Prices, Target, TargetConfig};
pub use tokens::{Counted, with_system};
pub use upload::{Piece, Pieces, Upload};
