use std::collections::VecDeque;
use std::convert::Infallible;

use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;

use super::*;

const MB: usize = 1 << 20;
const MANNER: Manner =
    Manner { held: 40 * MB, pass: Some(100 * MB), time: Duration::from_secs(10), model: false, told: None };

fn text(name: &str, text: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
}

fn file(size: usize) -> String {
    let head =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n";
    format!("{head}{}\r\n", "x".repeat(size))
}

/// Reads a form that comes in pieces; says also how many pieces were left.
async fn read_form(parts: &[String], manner: Manner) -> (Result<Form>, usize) {
    let all = format!("{}--b--\r\n", parts.concat());
    let pieces: VecDeque<Bytes> = all.as_bytes().chunks(MB / 4).map(Bytes::copy_from_slice).collect();
    let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(pieces.len()));
    let seen = std::sync::Arc::clone(&left);
    let body = StreamBody::new(Box::pin(stream::unfold(pieces, move |mut pieces| {
        let seen = std::sync::Arc::clone(&seen);
        async move {
            // As a socket: what comes is not there at once.
            tokio::task::yield_now().await;
            let next = pieces.pop_front()?;
            seen.store(pieces.len(), std::sync::atomic::Ordering::Relaxed);
            Some((Ok::<_, Infallible>(Frame::data(next)), pieces))
        }
    })));
    let form = front(body, "b", manner, |_, _| Ok(())).await;
    let left = left.load(std::sync::atomic::Ordering::Relaxed);
    (form, left)
}

#[tokio::test]
async fn a_form_is_fields_and_files() {
    let parts = [text("model", "7"), text("temperature", "0.5"), text("timestamp_granularities[]", "word"), file(4)];
    let form = read_form(&parts, MANNER).await.0.unwrap();
    assert_eq!(form.fields, r#"{"model":"7","temperature":0.5,"timestamp_granularities":["word"]}"#);
    let file = &form.files[0];
    assert_eq!((file.name.as_str(), &file.data[..], file.more.is_none()), ("file", &b"xxxx"[..], true));
    assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
    assert!(form.upload.is_none());
}

#[tokio::test]
async fn a_large_form_is_read_up_to_its_file() {
    let parts = [text("model", "m"), file(30 * MB), text("language", "de")];
    let (form, left) = read_form(&parts, Manner { told: Some(31 * MB), ..MANNER }).await;
    let form = form.unwrap();
    assert!(form.upload.is_some() && left > 100, "{left} pieces are left");
    assert!(form.files[0].data.len() >= 64 << 10 && form.files[0].more.is_some());

    // Nobody told how long it is.
    let (form, left) = read_form(&parts, MANNER).await;
    let form = form.unwrap();
    assert!(form.upload.is_some() && left > 10 && form.files[0].data.len() > SMALL);

    let small = Manner { told: Some(SMALL), ..MANNER };
    let form = read_form(&parts, small).await.0.unwrap();
    assert!(form.upload.is_none(), "small forms are read whole");
    assert_eq!((form.fields, form.files[0].size()), (Bytes::from(r#"{"model":"m","language":"de"}"#), 30 * MB as u64));
}

#[tokio::test]
async fn a_model_behind_the_file_makes_it_read_whole() {
    let late = |size| [file(size), text("model", "m")];
    let told = |size| Manner { told: Some(size), ..MANNER };
    let form = read_form(&late(30 * MB), told(31 * MB)).await.0.unwrap();
    assert!(form.upload.is_none() && form.files[0].data.len() == 30 * MB);
    let error = read_form(&late(50 * MB), told(51 * MB)).await.0.unwrap_err();
    assert_eq!((error.status(), error.param.as_deref()), (413, Some("model")));
    assert!(error.message.contains("has to stand before the file"), "{}", error.message);
    // The path names the model.
    let form = read_form(&late(50 * MB), Manner { model: true, ..told(51 * MB) }).await.0.unwrap();
    assert!(form.upload.is_some());
}

#[tokio::test]
async fn a_form_has_limits() {
    let parts = [text("model", "m"), file(50 * MB)];
    let whole = Manner { pass: None, ..MANNER };
    assert_eq!(read_form(&parts, whole).await.0.unwrap_err().status(), 413);
    let (form, left) = read_form(&parts, Manner { told: Some(200 * MB), ..MANNER }).await;
    assert_eq!(form.unwrap_err().status(), 413);
    assert!(left > 190, "nothing is read of what is too large: {left}");
}
