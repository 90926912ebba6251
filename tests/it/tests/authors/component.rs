//! Files that a command is asked about, and what it answers.

use std::{fs, path::PathBuf};

use scanhost_it::{output::Output, server::Home};
use serde_json::Value;

/// Eight bytes that are a whole, empty component.
pub const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

/// Eight bytes that are a whole, empty core module.
pub const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A folder with one file.
pub struct Shelf {
    pub home: Home,
    pub file: PathBuf,
}

impl Shelf {
    pub fn with(bytes: &[u8]) -> Self {
        let home = Home::new(&[("scanners.yaml", "mock: [{instance_id: mock1}]\n")]);
        let file = home.config().join("plugin.wasm");
        fs::write(&file, bytes).expect("a file can be written");
        Self { home, file }
    }

    /// Runs `scanhost plugin VERB FILE` with these options.
    pub fn ask(&self, verb: &str, options: &[&str]) -> Output {
        let mut command = self.home.command(&["plugin", verb]);
        // Compiled plugins of other runs do no harm, and those of a user are left alone.
        command.arg(&self.file).args(options).env("XDG_CACHE_HOME", scanhost_it::program::compiled_plugins());
        Output::of(command)
    }

    pub fn ask_json(&self, verb: &str) -> Value {
        let output = self.ask(verb, &["--json"]);
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }
}
