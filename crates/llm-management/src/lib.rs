//! The management API: keys, users, teams, spend. Thin: a route says who may call it and which question it asks; the rules
//! are `llm-accounts`', the rows `llm-store`'s.
//!
//! | file | what |
//! |---|---|
//! | `table` | [`Row`]: one route with its permission; the list of all of them. A route cannot be added without a permission |
//! | `dispatch` | [`router`]: identity, permission, body, and the call itself on the store's runtime |
//! | `call` | what a route is given: caller, query, body |
//! | `answer` | answers and errors as LiteLLM's clients expect them |
//! | `pieces` | answers that are too large to be held |
//! | `lists` | lists of LiteLLM's newer kind: pages, sorting, links |
//! | `login` | routes that ask for no key: they give one |
//! | `scim` | the same as SCIM's clients expect them |
//! | `routes` | the routes, by subject |

mod answer;
mod call;
mod dispatch;
pub mod lists;
mod login;
mod pieces;
mod routes;
mod scim;
mod table;

pub use call::Call;
pub use dispatch::{ManagementState, router};
pub use login::{OpenRow, SamlAttributes, SamlSource, SamlWay, open_rows};
pub use login::{SsoAttributes, SsoInForce, SsoKind, SsoRoleMap, SsoSettings, SsoWay};
pub use table::{Row, rows};
