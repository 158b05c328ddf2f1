//! Policies: which guardrails run for whom. A policy adds and takes away guardrails, on top of another one it inherits from, for
//! some models; attachments say whose calls it is for. Facts: LiteLLM's policy engine (`policies`, `policy_attachments`).
//!
//! | file | what |
//! |---|---|
//! | `read` | what configuration and rows say |
//! | `engine` | [`Policies`]: those of a call, and the guardrails they make |
//! | `faults` | what is wrong with a policy |
//! | `manage`, `versions`, `attachments` | policies, their versions and attachments in the database |
//! | `told` | what would run for whom |

mod attachments;
mod engine;
mod faults;
mod manage;
mod read;
mod told;
mod versions;

pub use engine::{Applied, Policies, PolicyContext};
pub use faults::PolicyFault;
pub use read::{Attachment, Policy, StoredAttachment, StoredPolicy};
