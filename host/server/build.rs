//! Compiles the plugins that come with the host, so that they are inside the binary.

use std::{env, fs, path::PathBuf};

use scanhost_plugin_build::{Kind, build};

const PLUGINS: [&str; 5] = ["mock", "nessus", "nmap", "profile", "triage"];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo gives build scripts their folder"));
    let workspace = here.join("../..").canonicalize().expect("this crate lies in its workspace");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo gives build scripts a folder"));
    let built = build(&workspace, &PLUGINS, Kind::Library);
    for plugin in PLUGINS {
        let file = format!("{plugin}.wasm");
        fs::copy(built.join(&file), out.join(&file)).expect("the build made this file");
    }
}
