//! Compiles the plugins that come with the host, so that they are inside the binary.

use std::{env, fs, path::PathBuf};

use scanhost_plugin_build::{Kind, build};

const PLUGINS: [&str; 5] = ["mock", "nessus", "nmap", "profile", "triage"];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo gives build scripts a folder"));
    let built = build(&PLUGINS, Kind::Library);
    for plugin in PLUGINS {
        let file = format!("{plugin}.wasm");
        fs::copy(built.join(&file), out.join(&file)).expect("the build made this file");
    }
}
