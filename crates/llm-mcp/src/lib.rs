//! The MCP gateway: one MCP server in front of many (<https://modelcontextprotocol.io/specification/2025-11-25>).
//!
//! Clients see one server over streamable HTTP, without sessions: every request stands alone. For each request that needs
//! one, a session with the server behind is opened, asked and closed, so that two callers never share one; only children
//! that speak over their standard input live on.
//!
//! | file | what |
//! |---|---|
//! | [`rpc`] | JSON-RPC messages and errors |
//! | [`version`] | protocol versions |
//! | [`spec`] | a server as it is configured or stored, and what is wrong with it |
//! | [`server`] | a server: names, tools that may be seen, prices |
//! | [`credential`], [`held`] | what is shown to a server: ours, the client's, what the caller holds |
//! | [`discovery`] | who issues tokens for a server |
//! | [`registry`] | all servers; which of them a caller sees |
//! | [`grant`] | what a caller may use |
//! | [`toolset`] | named sets of tools |
//! | [`hub`] | asking servers: lists, calls |
//! | [`answer`] | what clients are answered |
//! | `upstream/` | sessions: streamable HTTP, SSE, child processes; `openapi/` for APIs that speak no MCP |
//!
//! Who calls, what is set aside and what is billed is for the caller of this crate to say.

pub mod answer;
pub mod credential;
pub mod discovery;
pub mod fault;
pub mod grant;
pub mod held;
pub mod hub;
pub mod registry;
pub mod rpc;
pub mod server;
pub mod spec;
pub mod toolset;
mod upstream;
pub mod version;

pub use fault::Fault;
pub use grant::Grant;
pub use hub::Hub;
pub use registry::{Registry, View, Visible};
pub use rpc::{Message, Request, RpcError};
pub use server::{Server, Wire};
pub use spec::ServerSpec;
pub use toolset::Toolset;
