//! JSON bodies: content type, size, UTF-8, syntax and types are checked in that order, each with its own
//! code.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tanhui_domain::text::Text;

use crate::http::problem::{Code, Problem};

/// A JSON body, in or out.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = content_type(request.headers())?.unwrap_or_default();
        if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json")) {
            return Err(wrong_type("application/json"));
        }
        parse_json(&read_body(request, state).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The media type in lower case, without parameters; none when there is none. A charset other than UTF-8 is
/// refused.
pub fn content_type(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let value = value.to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).map(|name| name.trim_matches('"'));
    match charset {
        None | Some("utf-8" | "utf8") => Ok(Some(kind)),
        Some(_) => Err(Problem::new(Code::UnsupportedMediaType)
            .detail("正文只接受 UTF-8 编码。", "Only UTF-8 bodies are taken.")),
    }
}

/// The refusal of every media type but the wanted.
pub fn wrong_type(wanted: &str) -> Problem {
    Problem::new(Code::UnsupportedMediaType)
        .detail(format!("请以 Content-Type: {wanted} 发送。"), format!("Send Content-Type: {wanted}."))
}

/// The whole body, within the router's size limit.
pub async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        match Code::of_status(rejection.into_response().status()) {
            Code::BodyTooLarge => Problem::new(Code::BodyTooLarge),
            _ => Problem::new(Code::UnreadableBody),
        }
    })
}

/// Reads JSON bytes into a type; a problem names the place at fault.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        Problem::new(Code::InvalidUtf8)
            .detail(format!("第 {at} 字节起不是 UTF-8。"), format!("Not UTF-8 from byte {at} on."))
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = super::pointer(error.path());
        refusal(error.inner(), &pointer)
    })?;
    reader.end().map_err(|error| refusal(&error, ""))?;
    Ok(value)
}

fn refusal(error: &serde_json::Error, pointer: &str) -> Problem {
    match error.classify() {
        serde_json::error::Category::Data => Problem::new(Code::InvalidBody).field(
            pointer,
            Text::new(format!("此处不合要求：{error}"), format!("This does not fit: {error}")),
        ),
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => {
            let (line, column) = (error.line(), error.column());
            Problem::new(Code::MalformedJson).detail(
                format!("第 {line} 行第 {column} 列：{error}"),
                format!("Line {line}, column {column}: {error}"),
            )
        }
    }
}
