//! A plugin file, and the commands that are run on it.

use std::{fs, path::PathBuf};

use scanhost_it::{output::Output, server::Home};
use serde_json::Value;

/// The eight bytes of an empty component.
pub const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

/// The eight bytes of an empty core module.
pub const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A file `plugin.wasm` in the configuration folder of a home.
pub struct PluginFile {
    pub home: Home,
    pub file: PathBuf,
}

impl PluginFile {
    pub fn new(bytes: &[u8]) -> Self {
        let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: mock1}]\n")]);
        let file = home.config().join("plugin.wasm");
        fs::write(&file, bytes).expect("a file can be written");
        Self { home, file }
    }

    /// Runs `scanhost plugin VERB FILE` with these options.
    pub fn run(&self, verb: &str, options: &[&str]) -> Output {
        let mut command = self.home.command(&["plugin", verb]);
        // The tests share one cache of compiled plugins, which is not the user's.
        command.arg(&self.file).args(options).env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
        Output::run(command)
    }

    /// Runs `scanhost plugin VERB FILE --json`, and parses its standard output.
    pub fn run_json(&self, verb: &str) -> Value {
        let output = self.run(verb, &["--json"]);
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }
}
