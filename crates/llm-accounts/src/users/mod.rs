//! Internal users: making, changing, reading and deleting them. Call these on the store's runtime.

mod body;
mod change;
mod fill;
mod make;
mod newcomer;
mod read;
mod remove;

pub use read::UserListQuery;
