//! A conversation and its answer, in no provider's format.
//!
//! A conversation is an ordered list of [`Turn`]s, a turn an ordered list of [`Part`]s. Every node may carry
//! [`Extra`] fields of its own format. Text that a format wrote as a bare string instead of a list of parts is
//! marked (`flat`), so that it is written back the same way.

mod content;
mod request;
mod response;
mod tool;

pub use content::{FileRef, Media, MediaSource, Part, PartKind, Role, ToolCall, ToolResult, Turn};
pub use request::{GenerateRequest, OutputFormat, Reasoning, Sampling};
pub use response::{Choice, Finish, FinishReason, GenerateResponse, UsageReport};
pub use tool::{FunctionTool, Tool, ToolChoice, ToolKind};
