//! The components that the build script compiled.

macro_rules! component {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm"))
    };
}

pub const MOCK: &[u8] = component!("mock");
pub const NESSUS: &[u8] = component!("nessus");
pub const PROFILE: &[u8] = component!("profile");

pub const CHATTY: &[u8] = component!("chatty");
pub const FAULTY: &[u8] = component!("faulty");
pub const FLOOD: &[u8] = component!("flood");
pub const HOARD: &[u8] = component!("hoard");
pub const LIAR: &[u8] = component!("liar");
pub const NOSY: &[u8] = component!("nosy");
pub const PANIC: &[u8] = component!("panic");
pub const SPIN: &[u8] = component!("spin");

/// Those that misbehave, by name.
pub const MISBEHAVING: [(&str, &[u8]); 8] = [
    ("chatty", CHATTY),
    ("faulty", FAULTY),
    ("flood", FLOOD),
    ("hoard", HOARD),
    ("liar", LIAR),
    ("nosy", NOSY),
    ("panic", PANIC),
    ("spin", SPIN),
];
