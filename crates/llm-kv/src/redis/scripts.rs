//! The Lua scripts. Each runs as one step on the server, by the server's clock.

use super::command::Script;

/// All scripts of [`super::RedisKv`].
#[derive(Debug)]
pub(crate) struct Scripts {
    pub(crate) reserve: Script,
    pub(crate) settle: Script,
    pub(crate) read: Script,
    pub(crate) raise: Script,
    pub(crate) hold: Script,
    pub(crate) lock: Script,
    pub(crate) unlock: Script,
}

macro_rules! with_prelude {
    ($file:literal) => {
        Script::new(concat!(include_str!("lua/prelude.lua"), include_str!($file)))
    };
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            reserve: with_prelude!("lua/reserve.lua"),
            settle: with_prelude!("lua/settle.lua"),
            read: with_prelude!("lua/read.lua"),
            raise: with_prelude!("lua/raise.lua"),
            hold: with_prelude!("lua/hold.lua"),
            lock: Script::new(include_str!("lua/lock.lua")),
            unlock: Script::new(include_str!("lua/unlock.lua")),
        }
    }
}
