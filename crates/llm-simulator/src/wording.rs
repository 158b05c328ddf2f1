//! Complaints of the services whose errors are a status and one text: a table for each.

use crate::dialects::Complaints;
use crate::faults::Fault;
use crate::reply::{Frame, FrameKind, Payload, Reply};
use crate::service::Call;
use crate::template::{fill, quote};

/// A complaint about a request: its text.
#[derive(Debug)]
pub(crate) struct Invalid(String);

impl Invalid {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// How such a service words its errors.
#[derive(Debug)]
pub(crate) struct Wording {
    /// The body, with `@message@`.
    pub(crate) body: &'static str,
    pub(crate) content_type: &'static str,
    /// Texts by status, with `@model@`. The first row that fits is taken: status, or the first of a hundred (`500`
    /// stands for all above it that have no row).
    pub(crate) statuses: &'static [(u16, &'static str)],
    /// Any other status, with `@status@`.
    pub(crate) other: &'static str,
    /// Status and text of a prompt too long.
    pub(crate) context: (u16, &'static str),
    /// Of a prompt that is refused.
    pub(crate) policy: (u16, &'static str),
    /// Of an account out of credit.
    pub(crate) quota: (u16, &'static str),
    pub(crate) no_key: &'static str,
    pub(crate) wrong_key: &'static str,
    /// Body and content type for a path that is unknown.
    pub(crate) unknown_path: (&'static str, &'static str),
    /// Text about a body that is no JSON.
    pub(crate) unreadable: &'static str,
    /// The status of a complaint about a request.
    pub(crate) invalid: u16,
    /// The error inside a stream.
    pub(crate) event: fn(&Wording, Option<&str>) -> Frame,
}

impl Wording {
    /// The reply to a request, or the complaint about it.
    pub(crate) fn answer(&self, answer: Result<Reply, Invalid>) -> Reply {
        answer.unwrap_or_else(|problem| self.reply(self.invalid, &problem.0))
    }

    fn reply(&self, status: u16, message: &str) -> Reply {
        let headers = vec![("content-type", self.content_type.to_owned())];
        Reply { status, headers, payload: Payload::Whole(self.body(Some(message)).into()) }
    }

    /// The text of a failure without a reason.
    pub(crate) fn failed(&self) -> &'static str {
        self.of_status(500).unwrap_or(self.other)
    }

    fn of_status(&self, status: u16) -> Option<&'static str> {
        let row = |wanted: u16| self.statuses.iter().find(|(known, _)| *known == wanted).map(|(_, text)| *text);
        row(status).or_else(|| if status > 500 { row(500) } else { None })
    }
}

impl Complaints for Wording {
    fn fault(&self, fault: Fault, message: Option<&str>, model: &str) -> Reply {
        let (status, usual) = match fault {
            Fault::Context => self.context,
            Fault::Policy => self.policy,
            Fault::Quota => self.quota,
            Fault::Status(status) => (status, self.of_status(status).unwrap_or(self.other)),
            _ => (500, self.failed()),
        };
        let usual = fill(usual, &[("model", model), ("status", &status.to_string())]);
        self.reply(status, message.unwrap_or(&usual))
    }

    fn unauthorized(&self, given: Option<&str>) -> Reply {
        self.reply(401, if given.is_some() { self.wrong_key } else { self.no_key })
    }

    fn unknown_path(&self, _: &str, _: &str) -> Reply {
        let (body, kind) = self.unknown_path;
        Reply { status: 404, headers: vec![("content-type", kind.to_owned())], payload: Payload::Whole(body.into()) }
    }

    fn unreadable(&self) -> Reply {
        self.reply(self.invalid, self.unreadable)
    }

    fn bad_script(&self, why: &str) -> Reply {
        self.reply(400, &format!("simulator: {why}"))
    }

    fn body(&self, message: Option<&str>) -> String {
        fill(self.body, &[("message", &quote(message.unwrap_or(self.failed())))])
    }

    fn event(&self, _: &Call<'_>, message: Option<&str>) -> Frame {
        (self.event)(self, message)
    }
}

/// The error as the data of a server-sent event, for services that have no other.
pub(crate) fn data(words: &Wording, message: Option<&str>) -> Frame {
    Frame::new(FrameKind::Frame, format!("data: {}\n\n", words.body(message)))
}
