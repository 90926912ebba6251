//! The style sheet, the script and the icon of the page: files inside this program, the same for everybody.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};
use xxhash_rust::xxh3::xxh3_64;

pub const STYLE: &str = "/assets/page.css";
pub const SCRIPT: &str = "/assets/page.js";
pub const ICON: &str = "/assets/icon.svg";

const STYLE_TEXT: &str = include_str!("static_files/page.css");
const SCRIPT_TEXT: &str = include_str!("static_files/page.js");
const ICON_TEXT: &str = include_str!("static_files/icon.svg");

/// Adds the version of the program's static files to the address of one, so that browsers may keep it for ever.
pub fn versioned(address: &str) -> String {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{:016x}", xxh3_64([STYLE_TEXT, SCRIPT_TEXT, ICON_TEXT].concat().as_bytes())));
    format!("{address}?v={}", *VERSION)
}

pub async fn style() -> Response {
    static_file("text/css; charset=utf-8", STYLE_TEXT)
}

pub async fn script() -> Response {
    static_file("text/javascript; charset=utf-8", SCRIPT_TEXT)
}

pub async fn icon() -> Response {
    static_file("image/svg+xml", ICON_TEXT)
}

fn static_file(kind: &'static str, text: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, text).into_response()
}
