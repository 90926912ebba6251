//! Build scripts use this crate to compile plugins of this workspace to WebAssembly components, so that an ordinary
//! `cargo build` needs no second command. It installs the target if it is missing.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The workspace's root, relative to the packages whose build scripts use this: cargo starts a build script in its
/// package. Watched paths are not absolute, since checkouts may share a target folder, and one would watch another's
/// files.
const WORKSPACE: &str = "../..";

const TARGET: &str = "wasm32-wasip2";

/// The profile of the root manifest that plugins are built with. It must not be the profile of the outer build: cargo
/// would wait for its own lock.
const PROFILE: &str = "plugin";

/// SIMD instructions, which every component engine supports by now, make reading a report about a fifth faster.
const FLAGS: (&str, &str) = ("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", "-C target-feature=+simd128");

/// What to compile: a package's library, or all of its examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Library,
    Examples,
}

/// Compiles the packages and returns the folder of their `.wasm` files.
///
/// # Panics
/// If the target cannot be installed or a package does not compile, since the outer build cannot continue then.
pub fn build(packages: &[&str], kind: Kind) -> PathBuf {
    for source in ["plugins", "wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={WORKSPACE}/{source}");
    }
    install_target();
    let target_folder = target_folder();
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo names itself to build scripts"));
    cargo
        .current_dir(WORKSPACE)
        .args(["build", "--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(&target_folder)
        .arg(match kind {
            Kind::Library => "--lib",
            Kind::Examples => "--examples",
        });
    for package in packages {
        cargo.args(["--package", package]);
    }
    // The outer build's flags and wrappers are for another machine and perhaps another compiler driver.
    for outer in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "RUSTC", "RUSTDOC"] {
        cargo.env_remove(outer);
    }
    cargo.env(FLAGS.0, FLAGS.1);
    // The outer build's target is not that of the plugins.
    cargo.env_remove("CARGO_BUILD_TARGET");
    let status = cargo.status().expect("cargo can be started");
    assert!(status.success(), "building the plugins {packages:?} failed: see above");
    let built = target_folder.join(TARGET).join(PROFILE);
    match kind {
        Kind::Library => built,
        Kind::Examples => built.join("examples"),
    }
}

fn install_target() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let is_installed = printed.is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    });
    if is_installed {
        return;
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    assert!(
        added.is_ok_and(|status| status.success()),
        "the plugins need the Rust target {TARGET}: run `rustup target add {TARGET}`, or install your distribution's package of it"
    );
}

/// The outer build's target folder: `OUT_DIR` is `<target>[/<triple>]/<profile>/build/<package>/out`.
fn target_folder() -> PathBuf {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo gives build scripts a folder"));
    let mut folder = out.ancestors().nth(4).expect("`OUT_DIR` is in the target folder").to_owned();
    if env::var("TARGET").is_ok_and(|triple| folder.ends_with(&triple)) {
        folder.pop();
    }
    folder
}
