//! Commands that start third-party clients, which `tests/run` has installed.

use std::{env, path::PathBuf, process::Command};

use crate::program::workspace;

/// The Python interpreter with the packages of `clients/requirements.txt`.
pub fn python() -> Command {
    Command::new(installed("python/bin/python"))
}

/// Node.js with the packages of `clients/package.json`.
pub fn node() -> Command {
    Command::new(installed("node/node_modules/node/bin/node"))
}

/// The official MCP conformance suite.
pub fn conformance() -> Command {
    let mut command = node();
    command.arg("--import").arg(workspace().join("tests/it/clients/patient.mjs"));
    command.arg(installed("node/node_modules/@modelcontextprotocol/conformance/dist/index.js"));
    command
}

/// The command line of MCP Inspector.
pub fn inspector() -> Command {
    let mut command = node();
    command.arg(installed("node/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"));
    command.arg("--cli");
    command
}

/// The folder of the packages of `clients/package.json`.
pub fn node_modules() -> PathBuf {
    installed("node/package.json").with_file_name("node_modules")
}

/// The path of a file in `$SCANHOST_CLIENTS`, which is `<target>/clients` by default.
fn installed(path: &str) -> PathBuf {
    let test = env::current_exe().expect("a running test has a path");
    // A test runs as `<target>/<profile>/deps/<test>`.
    let target = test.ancestors().nth(3).expect("a test lies in the target folder");
    let clients = env::var_os("SCANHOST_CLIENTS").map_or_else(|| target.join("clients"), PathBuf::from);
    let file = clients.join(path);
    assert!(file.is_file(), "{} is missing: run `bash tests/run`", file.display());
    file
}
