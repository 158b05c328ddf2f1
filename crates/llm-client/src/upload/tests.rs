use std::collections::VecDeque;

use llm_types::OperationKind;
use llm_wire::codec::EncodeContext;
use llm_wire::task::More;

use super::sending::Again;
use super::*;

/// Pieces that are there.
struct Ready(VecDeque<Piece>);

impl Pieces for Ready {
    fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Piece>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

fn file(name: &str, data: &'static str) -> FilePart {
    FilePart {
        name: name.to_owned(),
        filename: Some(format!("{name}.bin")),
        content_type: Some("x/y".to_owned()),
        data: Bytes::from_static(data.as_bytes()),
        more: Some(More::default()),
    }
}

fn field(name: &str, text: &str) -> Piece {
    Piece::Field(name.to_owned(), form::value(name, text))
}

/// What goes out of an image edit: `front` stands before the file, `late` comes behind its first bytes.
async fn sent(front: &str, late: Vec<Piece>) -> (Result<String, String>, Upload) {
    let upload = Upload::new(Box::new(Ready(late.into())), 1000);
    let front: Json = serde_json::from_str(front).unwrap();
    let given = front.clone();
    let again: Again = Box::new(move |late, files| {
        let mut fields = front.as_object().unwrap_or_default().to_vec();
        late.iter().for_each(|(name, value)| form::add(&mut fields, name, value.clone()));
        let request = TaskRequest {
            operation: OperationKind::ImageEdit,
            model: "gpt-image-1".into(),
            fields: Json::Object(fields),
            files: files.to_vec(),
        };
        let codec = llm_wire::registry::task(llm_types::Format::OpenAiImages).unwrap();
        let out = codec.encode(&request, &mut EncodeContext::for_model("gpt-image-1"))?;
        Ok((request, out))
    });
    let files = vec![file("image", "first")];
    let (_, out) = again(&[], &files).unwrap();
    assert!(goes_as_it_comes(&out));
    let sending = Sending::new(&upload, out, files, |name| given.get(name).is_some(), again);
    let kind = sending.content_type().unwrap().to_str().unwrap().to_owned();
    let boundary = kind.rsplit('=').next().unwrap().to_owned();
    let outcome = http_body_util::BodyExt::collect(sending).await;
    let text = outcome.map(|b| String::from_utf8(b.to_bytes().to_vec()).unwrap().replace(&boundary, "b"));
    (text.map_err(|e| e.to_string()), upload)
}

fn text_part(name: &str, text: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
}

fn file_part(name: &str, filename: &str, data: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\nContent-Type: x/y\r\n\r\n{data}\r\n"
    )
}

#[tokio::test]
async fn fields_stand_where_they_came_and_files_pass() {
    let late = vec![
        Piece::Data("-more".into()),
        field("n", "2"),
        Piece::File(file("mask", "dark")),
        Piece::Data("ness".into()),
        field("tag[]", "a"),
    ];
    let (out, upload) = sent(r#"{"prompt":"p"}"#, late).await;
    let expected = [
        text_part("model", "gpt-image-1"),
        text_part("prompt", "p"),
        file_part("image[]", "image.png", "first-more"),
        file_part("mask", "mask.png", "darkness"),
        text_part("n", "2"),
        text_part("tag[]", "a"),
        "--b--\r\n".to_owned(),
    ];
    assert_eq!(out.unwrap(), expected.concat());
    assert!(upload.begun() && upload.failure().is_none());
    let seen = upload.seen().unwrap();
    assert_eq!(seen.fields.to_string(), r#"{"prompt":"p","n":2,"tag":["a"]}"#);
    assert_eq!(seen.files.iter().map(FilePart::size).collect::<Vec<_>>(), [10, 8]);
}

#[tokio::test]
async fn lists_may_go_on_behind_the_file_and_values_may_not_change_there() {
    let (out, _) = sent(r#"{"prompt":"p","tag":["a"]}"#, vec![field("tag[]", "b")]).await;
    let out = out.unwrap();
    assert!(out.contains(&text_part("tag[]", "a")) && out.contains(&text_part("tag[]", "b")), "{out}");
    let (out, upload) = sent(r#"{"prompt":"p","n":1}"#, vec![field("n", "2")]).await;
    assert!(out.unwrap_err().contains("n stands behind the file"));
    assert_eq!(upload.failure().unwrap().status(), 400);
}

#[tokio::test]
async fn what_was_not_polled_is_there_for_another_attempt() {
    let upload = Upload::new(Box::new(Ready([Piece::Data("-more".into()), field("n", "2")].into())), 1000);
    let mut call = Call::new(
        OperationKind::ImageEdit,
        llm_types::Format::OpenAiImages,
        Bytes::from_static(b"{\"prompt\":\"p\"}"),
        "m",
    );
    call.files = vec![file("image", "first")].into();
    call.upload = Some(upload.clone());
    assert!(!upload.begun());
    for _ in 0..2 {
        let whole = upload.whole(&call).await.unwrap();
        assert_eq!(
            (&whole.body[..], &whole.files[0].data[..]),
            (&b"{\"prompt\":\"p\",\"n\":2}"[..], &b"first-more"[..])
        );
        assert!(whole.files[0].more.is_none() && whole.upload.is_none());
    }
    assert!(!upload.begun(), "what is held can be sent again");
}

#[tokio::test]
async fn what_is_held_has_a_limit() {
    let upload = Upload::new(Box::new(Ready([Piece::Data(vec![b'x'; 2000].into())].into())), 1000);
    let mut call = Call::new(OperationKind::ImageEdit, llm_types::Format::OpenAiImages, Bytes::from_static(b"{}"), "m");
    call.files = vec![file("image", "first")].into();
    let error = upload.whole(&call).await.unwrap_err();
    assert_eq!(error.kind, Kind::TooLarge);
    assert_eq!(upload.whole(&call).await.unwrap_err().kind, Kind::TooLarge, "the same error again");
}
