//! Recognises by its first bytes what a file is that is no component.

const WASM: &[u8] = b"\0asm";
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

/// The format of bytes that are no component; `None` if they could be one.
pub fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    if let Some(rest) = bytes.strip_prefix(WASM) {
        return match rest.get(..4) {
            Some(COMPONENT) => None,
            Some(CORE_MODULE) => Some("a core module"),
            Some(_) => Some("WebAssembly in a format that this host does not know"),
            None => Some("a truncated WebAssembly file"),
        };
    }
    let text = bytes.trim_ascii_start();
    Some(match text {
        [] => "an empty file",
        _ if text.starts_with(b"(module") || text.starts_with(b"(component") => "WebAssembly as text",
        _ if text.starts_with(b"\x7fELF") => "a native program",
        _ if text.starts_with(b"#!") => "a script",
        _ if text.starts_with(b"PK\x03\x04") => "a zip archive",
        _ if text.starts_with(b"\x1f\x8b") => "a gzip archive",
        _ => "not WebAssembly",
    })
}
