//! What goes to the server and what comes back.

use bytes::Bytes;
use redis::Value;

use crate::KvError;

/// A command with its arguments; all of them bytes.
#[derive(Debug, Clone)]
pub struct Command(pub(crate) redis::Cmd);

impl Command {
    /// A command without arguments yet. A name of two words (`FT.CREATE` is one) is two arguments.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(redis::cmd(name))
    }

    /// Adds an argument: a key, a value, an option.
    #[must_use]
    pub fn arg(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.arg(bytes.as_ref());
        self
    }

    /// Adds a number as an argument.
    #[must_use]
    pub fn int(mut self, number: i64) -> Self {
        self.0.arg(number);
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<T: AsRef<[u8]>>(mut self, all: impl IntoIterator<Item = T>) -> Self {
        for bytes in all {
            self.0.arg(bytes.as_ref());
        }
        self
    }
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Nothing there.
    Nil,
    /// A whole number.
    Int(i64),
    /// Bytes; also what is a float or a big number to the server.
    Bytes(Bytes),
    /// A word, such as `OK`.
    Status(String),
    /// A list; maps and sets arrive as lists too.
    List(Vec<Reply>),
    /// One command of a pipeline was refused. A single command's refusal is a [`KvError`].
    Refused(String),
}

impl Reply {
    /// The bytes of a string.
    #[must_use]
    pub fn into_bytes(self) -> Option<Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Status(text) => Some(text.into()),
            _ => None,
        }
    }

    /// A number, also when written as a string.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// A text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Status(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn into_list(self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn of(value: Value) -> Self {
        let list = |values: Vec<Value>| Self::List(values.into_iter().map(Self::of).collect());
        match value {
            Value::Nil => Self::Nil,
            Value::Int(number) => Self::Int(number),
            Value::BulkString(bytes) => Self::Bytes(bytes.into()),
            Value::SimpleString(text) => Self::Status(text),
            Value::Okay => Self::Status("OK".to_owned()),
            Value::Array(values) | Value::Set(values) | Value::Push { data: values, .. } => list(values),
            Value::Map(pairs) => list(pairs.into_iter().flat_map(|(key, value)| [key, value]).collect()),
            Value::Attribute { data, .. } => Self::of(*data),
            Value::Double(number) => Self::Bytes(number.to_string().into()),
            Value::Boolean(yes) => Self::Int(yes.into()),
            Value::VerbatimString { text, .. } => Self::Bytes(text.into()),
            Value::BigNumber(digits) => Self::Bytes(digits.into()),
            Value::ServerError(error) => {
                Self::Refused(format!("{} {}", error.code(), error.details().unwrap_or_default()))
            }
            _ => Self::Nil,
        }
    }

    /// An answer in a shape that a call does not expect.
    #[must_use]
    pub fn unexpected(&self) -> KvError {
        KvError::Protocol(format!("unexpected answer {self:?}"))
    }
}

/// A Lua script. Servers know it by its digest after its first run.
#[derive(Debug)]
pub struct Script {
    source: &'static str,
    digest: String,
}

impl Script {
    /// A script from its source.
    #[must_use]
    pub fn new(source: &'static str) -> Self {
        Self { source, digest: redis::Script::new(source).get_hash().to_owned() }
    }

    /// The call of a script that the server knows.
    pub(crate) fn known<K: AsRef<[u8]>, A: AsRef<[u8]>>(&self, keys: &[K], args: &[A]) -> Command {
        Self::call("EVALSHA", &self.digest, keys, args)
    }

    /// The call that teaches it.
    pub(crate) fn taught<K: AsRef<[u8]>, A: AsRef<[u8]>>(&self, keys: &[K], args: &[A]) -> Command {
        Self::call("EVAL", self.source, keys, args)
    }

    fn call<K: AsRef<[u8]>, A: AsRef<[u8]>>(verb: &str, body: &str, keys: &[K], args: &[A]) -> Command {
        let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        Command::new(verb).arg(body).int(count).args(keys).args(args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_keep_their_meaning() {
        let value = Value::Map(vec![(Value::BulkString(b"k".to_vec()), Value::Double(1.5))]);
        assert_eq!(Reply::of(value), Reply::List(vec![Reply::Bytes("k".into()), Reply::Bytes("1.5".into())]));
        assert_eq!(Reply::of(Value::BulkString(b"12".to_vec())).as_int(), Some(12));
        assert_eq!(Reply::of(Value::Okay).as_str(), Some("OK"));
        assert_eq!(Reply::of(Value::Boolean(true)), Reply::Int(1));
        assert_eq!(Reply::Nil.into_bytes(), None);
    }

    #[test]
    fn a_script_is_called_by_digest_with_keys_before_arguments() {
        let script = Script::new("return 1");
        let packed = |command: Command| String::from_utf8(command.0.get_packed_command()).unwrap();
        let known = packed(script.known(&["k1", "k2"], &["a"]));
        assert!(known.contains("e0e1f9fabfc9d4800c877a703b823ac0578ff8db"), "{known}");
        assert!(known.ends_with("$1\r\n2\r\n$2\r\nk1\r\n$2\r\nk2\r\n$1\r\na\r\n"), "{known}");
        assert!(packed(script.taught(&["k"], &[] as &[&str])).contains("return 1"));
    }
}
