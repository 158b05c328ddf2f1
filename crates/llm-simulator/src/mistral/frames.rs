//! Literal templates of Mistral's replies. `@name@` is filled in.

pub(super) const OCR: &str = r#"{"pages":[@pages@],"model":@model@,"document_annotation":null,"usage_info":{"pages_processed":@count@,"doc_size_bytes":48213}}"#;

pub(super) const PAGE: &str = r#"{"index":@index@,"markdown":@markdown@,"images":[],"tables":[],"hyperlinks":[],"header":null,"footer":null,"dimensions":{"dpi":200,"height":2200,"width":1700}}"#;

pub(super) const ERROR: &str =
    r#"{"object":"error","message":@message@,"type":"invalid_request_error","param":null,"code":null}"#;
