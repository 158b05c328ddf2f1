//! The way out of one day. What the destination holds of the day is replaced.

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use jiff::tz::TimeZone;
use llm_store::Store;
use llm_types::{Error, Json, Secret};

use super::focus::{Reader, day_after};
use super::parquet::Columns;
use super::usage::{Day, UsageRow};
use super::{CloudZero, FocusFormat, Vantage, cbf, focus};
use crate::request::Outcome;
use crate::serving::Serving;

/// CloudZero takes bodies of 5 MB.
const CLOUDZERO_BYTES: usize = 4 << 20;
/// Vantage takes files of 2 MB and of ten thousand rows.
const VANTAGE_BYTES: usize = (2 << 20) - 4096;
const VANTAGE_ROWS: usize = 10_000;
/// Objects of a bucket; a larger day has several.
const OBJECT_BYTES: usize = 64 << 20;

/// Where to.
pub(super) enum Target {
    /// With the address of CloudZero.
    CloudZero(CloudZero, String),
    Vantage(Vantage),
    /// A folder of the bucket, and how files are written.
    Bucket(String, FocusFormat),
}

/// Sends a day; how many rows that were. `operation`: what CloudZero is to do with it.
///
/// # Errors
/// 502 when the destination does not take it: it may hold a part of the day then, which the next try replaces.
pub(super) async fn day(
    store: &Store,
    serving: &dyn Serving,
    (target, operation): (&Target, &str),
    date: &str,
) -> Outcome<u64> {
    let day = Day::new(store, date.to_owned());
    match target {
        Target::CloudZero(target, base) => cloudzero(day, serving, (target, base), operation, date).await,
        Target::Vantage(target) => vantage(day, serving, target, date).await,
        Target::Bucket(prefix, format) => bucket(day, serving, (prefix, *format), date).await,
    }
}

fn failed(who: &str, why: impl std::fmt::Display) -> Error {
    Error::internal(format!("{who} did not take the export: {why}")).with_status(502)
}

/// Sends a request to a service, which has to be content with it; its answer.
async fn send(serving: &dyn Serving, who: &str, request: Request<Bytes>) -> Outcome<Bytes> {
    let (status, body) = serving.send(request).await.map_err(|why| failed(who, why))?;
    if (200..300).contains(&status) {
        return Ok(body);
    }
    let said: String = String::from_utf8_lossy(&body).chars().take(300).collect();
    Err(failed(who, format!("status {status}: {said}")).into())
}

fn request(who: &str, method: Method, url: &str, key: &Secret, kind: &str, body: Bytes) -> Outcome<Request<Bytes>> {
    let built = Request::builder()
        .method(method)
        .uri(url)
        .header(AUTHORIZATION, format!("Bearer {}", key.expose()))
        .header(CONTENT_TYPE, kind)
        .body(body);
    Ok(built.map_err(|_| failed(who, "the address or the key cannot be sent"))?)
}

/// A part of an address.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A day in as many bodies as it needs. The first replaces the hours of the day, the others add to it: a day that broke off
/// begins anew with the next try.
async fn cloudzero(
    mut day: Day<'_>,
    serving: &dyn Serving,
    (target, base): (&CloudZero, &str),
    operation: &str,
    date: &str,
) -> Outcome<u64> {
    let zone = TimeZone::get(&target.timezone).unwrap_or(TimeZone::UTC);
    let start = cbf::midnight(date, &zone).ok_or_else(|| Error::internal(format!("`{date}` is no day")))?;
    let month = start.get(..7).unwrap_or_default();
    let base = base.trim_end_matches('/');
    let url = format!("{base}/v2/connections/billing/anycost/{}/billing_drops", segment(&target.connection_id));
    let (mut operation, mut sent, mut data, mut rows) = (operation, 0, String::new(), 0);
    while let Some(page) = day.next().await? {
        for record in page.iter().filter_map(|row| cbf::record(row, &start)) {
            let text = record.to_string();
            if !data.is_empty() && data.len() + text.len() >= CLOUDZERO_BYTES {
                post(target, serving, &url, (month, operation), &std::mem::take(&mut data)).await?;
                (sent, operation, rows) = (sent + rows, "sum", 0);
            }
            data.push_str(if data.is_empty() { "" } else { "," });
            data.push_str(&text);
            rows += 1;
        }
    }
    if rows > 0 {
        post(target, serving, &url, (month, operation), &data).await?;
    }
    Ok(sent + rows)
}

async fn post(
    target: &CloudZero,
    serving: &dyn Serving,
    url: &str,
    (month, operation): (&str, &str),
    data: &str,
) -> Outcome<()> {
    let operation = Json::from(operation);
    let body = format!("{{\"month\":\"{month}\",\"operation\":{operation},\"data\":[{data}]}}");
    let request = request("CloudZero", Method::POST, url, &target.api_key, "application/json", body.into())?;
    send(serving, "CloudZero", request).await.map(drop)
}

/// The name of a day's file, without its end.
fn file(date: &str) -> String {
    let plain = |date: &str| date.replace('-', "");
    format!("usage_{}T000000Z_{}T000000Z", plain(date), plain(&day_after(date)))
}

/// A file under construction.
enum File {
    /// Lines of CSV.
    Lines(Reader, BytesMut),
    /// A table of Parquet.
    Table(Columns),
}

impl File {
    fn lines(reader: Reader) -> Self {
        Self::Lines(reader, BytesMut::from(reader.head().as_bytes()))
    }

    /// An empty one of the same kind.
    fn another(&self) -> Self {
        match self {
            Self::Lines(reader, _) => Self::lines(*reader),
            Self::Table(_) => Self::Table(focus::table()),
        }
    }

    /// Adds a row; false, without it, where the file would be larger than `most` bytes (a table by about a row).
    fn add(&mut self, row: &UsageRow, most: usize) -> bool {
        match self {
            Self::Lines(reader, bytes) => {
                let line = reader.line(row);
                let fits = bytes.len() + line.len() <= most;
                if fits {
                    bytes.extend_from_slice(line.as_bytes());
                }
                fits
            }
            Self::Table(table) => {
                let fits = table.size() < most;
                if fits {
                    focus::add(row, table);
                }
                fits
            }
        }
    }

    fn finish(self) -> Bytes {
        match self {
            Self::Lines(_, bytes) => bytes.freeze(),
            Self::Table(table) => table.finish().into(),
        }
    }
}

/// The files of a day, cut where they are as large as they may be.
struct Files<'s> {
    day: Day<'s>,
    file: File,
    /// Rows of the file.
    count: usize,
    most: (usize, usize),
    page: std::vec::IntoIter<UsageRow>,
    /// A row that the last file had no place for.
    left: Option<UsageRow>,
    over: bool,
}

impl<'s> Files<'s> {
    fn new(day: Day<'s>, file: File, bytes: usize, rows: usize) -> Self {
        let page = Vec::new().into_iter();
        Self { day, file, count: 0, most: (bytes, rows), page, left: None, over: false }
    }

    /// The next file, and how many rows it has; nothing when there are no more.
    async fn next(&mut self) -> Outcome<Option<(Bytes, u64)>> {
        loop {
            if let Some(row) = self.left.take().or_else(|| self.page.next()) {
                // A row that is too large by itself still has to go somewhere.
                let most = if self.count == 0 { usize::MAX } else { self.most.0 };
                if self.count < self.most.1 && self.file.add(&row, most) {
                    self.count += 1;
                    continue;
                }
                self.left = Some(row);
                return Ok(Some(self.take()));
            }
            if self.over {
                return Ok((self.count > 0).then(|| self.take()));
            }
            match self.day.next().await? {
                None => self.over = true,
                Some(page) => self.page = page.into_iter(),
            }
        }
    }

    fn take(&mut self) -> (Bytes, u64) {
        let next = self.file.another();
        let rows = std::mem::take(&mut self.count) as u64;
        (std::mem::replace(&mut self.file, next).finish(), rows)
    }
}

/// Vantage adds files up, so those of the same day go first.
async fn vantage(day: Day<'_>, serving: &dyn Serving, target: &Vantage, date: &str) -> Outcome<u64> {
    const WHO: &str = "Vantage";
    let base = target.base_url.trim_end_matches('/');
    let costs = format!("{base}/v2/integrations/{}/costs", segment(target.integration_token.expose()));
    let stem = file(date);
    for token in uploads(serving, target, &costs, &stem).await? {
        let url = format!("{costs}/{}", segment(&token));
        let request = request(WHO, Method::DELETE, &url, &target.api_key, "application/json", Bytes::new())?;
        let (status, _) = serving.send(request).await.map_err(|why| failed(WHO, why))?;
        // Gone already is as good.
        if !(200..300).contains(&status) && status != 404 {
            return Err(failed(WHO, format!("an earlier file of {date} stays: status {status}")).into());
        }
    }
    let (mut files, mut part, mut sent) =
        (Files::new(day, File::lines(Reader::Vantage), VANTAGE_BYTES, VANTAGE_ROWS), 0, 0);
    while let Some((bytes, rows)) = files.next().await? {
        let name = if part == 0 { format!("{stem}.csv") } else { format!("{stem}.csv.part{part}") };
        let boundary = format!("----------------{}", uuid::Uuid::new_v4().simple());
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes.as_ref(), format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        let kind = format!("multipart/form-data; boundary={boundary}");
        let url = format!("{costs}.csv");
        send(serving, WHO, request(WHO, Method::POST, &url, &target.api_key, &kind, body.into())?).await?;
        (part, sent) = (part + 1, sent + rows);
    }
    Ok(sent)
}

/// The uploads whose file has a name that begins like this; Vantage puts an end of its own to it.
async fn uploads(serving: &dyn Serving, target: &Vantage, costs: &str, stem: &str) -> Outcome<Vec<String>> {
    let request = request("Vantage", Method::GET, costs, &target.api_key, "application/json", Bytes::new())?;
    let body = send(serving, "Vantage", request).await?;
    let answer: Json = serde_json::from_slice(&body).map_err(|e| failed("Vantage", format!("no JSON: {e}")))?;
    let list = answer.get("user_costs_uploads").and_then(Json::as_array).unwrap_or_default();
    let ours = list.iter().filter(|upload| upload.text("filename").is_some_and(|name| name.starts_with(stem)));
    Ok(ours.filter_map(|upload| upload.text("token").map(str::to_owned)).collect())
}

/// An object a day, written over the one of the last time.
async fn bucket(
    day: Day<'_>,
    serving: &dyn Serving,
    (prefix, format): (&str, FocusFormat),
    date: &str,
) -> Outcome<u64> {
    let prefix = prefix.trim_matches('/');
    let folder = if prefix.is_empty() { format!("date={date}") } else { format!("{prefix}/date={date}") };
    let (stem, mut part, mut sent) = (file(date), 0, 0);
    let (empty, end) = match format {
        FocusFormat::Csv => (File::lines(Reader::Anybody), "csv"),
        FocusFormat::Parquet => (File::Table(focus::table()), "parquet"),
    };
    let mut files = Files::new(day, empty, OBJECT_BYTES, usize::MAX);
    while let Some((bytes, rows)) = files.next().await? {
        let name = if part == 0 { format!("{stem}.{end}") } else { format!("{stem}.part{part}.{end}") };
        serving.put(format!("{folder}/{name}"), bytes).await.map_err(|why| failed("the bucket", why))?;
        (part, sent) = (part + 1, sent + rows);
    }
    Ok(sent)
}
