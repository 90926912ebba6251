//! Compiles every plugin of this workspace, so that the tests run what an operator would run.

use std::{env, fs, path::PathBuf};

use scanhost_plugin_build::{Kind, build};

/// The plugins that come with the host.
const PLUGINS: [&str; 4] = ["mock", "nessus", "nmap", "profile"];

/// The examples of the package `guests`.
const GUESTS: [&str; 15] = [
    "chatty", "deep", "eager", "faulty", "flood", "forger", "giant", "grumble", "hoard", "liar", "nosy", "panic",
    "spin", "steady", "viewer",
];

fn main() {
    println!("cargo::rerun-if-changed=../guests");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo gives build scripts a folder"));
    let copy = |built: PathBuf, names: &[&str]| {
        for name in names {
            let file = format!("{name}.wasm");
            fs::copy(built.join(&file), out.join(&file)).expect("the build made this file");
        }
    };
    copy(build(&PLUGINS, Kind::Library), &PLUGINS);
    copy(build(&["guests"], Kind::Examples), &GUESTS);
}
