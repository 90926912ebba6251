//! The files of a new plugin for each language and kind, all of them inside this program.

use anyhow::bail;
use scanhost_sandbox::{PluginKind, WORLDS};

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../plugins/templates/", $path))
    };
}

macro_rules! sdk {
    ($path:literal) => {
        include_str!(concat!("../../../plugins/sdk/", $path))
    };
}

/// The manifest of this workspace, so that a new plugin gets the versions that the host's own plugins are built with.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");

/// Names that mean something else to cargo or Python, or belong to a plugin that comes with the host.
const RESERVED_NAMES: [&str; 21] = [
    "alloc",
    "async",
    "backend",
    "build",
    "const",
    "core",
    "crate",
    "main",
    "mock",
    "nessus",
    "nmap",
    "plugin",
    "profile",
    "proc-macro",
    "scanhost",
    "scanhost-sdk",
    "sdk",
    "serde",
    "serde-json",
    "std",
    "test",
];

const MAX_NAME: usize = 40;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    Python,
    Js,
}

/// A file of a new plugin.
pub struct File {
    /// The path within the plugin's folder.
    pub path: String,
    pub text: String,
}

/// Checks that a plugin may have this name.
pub fn permit_name(name: &str) -> anyhow::Result<()> {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let has_form = name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(is_word);
    if !has_form {
        bail!(
            "{name:?} is not a valid plugin name: use lower case letters, digits and single `-`, and begin with a letter"
        );
    }
    if name.len() > MAX_NAME {
        bail!("the name has {} characters; at most {MAX_NAME} are allowed", name.len());
    }
    if RESERVED_NAMES.contains(&name) {
        bail!("the name {name:?} is reserved: choose another one, such as my-{name}");
    }
    Ok(())
}

/// Makes all files of the plugin.
pub fn files(name: &str, kind: PluginKind, language: Language) -> Vec<File> {
    let world = WORLDS.into_iter().rfind(|world| world.kind == kind).expect("there is a world of each kind");
    let version = world.id().rsplit_once('@').map_or("", |(_, version)| version);
    let file = |path: &str, text: &str| File {
        path: path.to_owned(),
        text: text.replace("@@VERSION@", &format!("@{version}")).replace("@NAME@", name).replace("@KIND@", kind.name()),
    };
    let wit = file(&format!("wit/{}.wit", kind.name()), world.wit());
    let mut files = match (language, kind) {
        (Language::Rust, _) => return rust(kind, &file),
        (Language::Python, PluginKind::Backend) => vec![file("plugin.py", template!("python/backend/plugin.py"))],
        (Language::Python, PluginKind::Profile) => vec![file("plugin.py", template!("python/profile/plugin.py"))],
        (Language::Js, PluginKind::Backend) => vec![file("plugin.js", template!("js/backend/plugin.js"))],
        (Language::Js, PluginKind::Profile) => vec![file("plugin.js", template!("js/profile/plugin.js"))],
    };
    match language {
        Language::Python => files.push(file("requirements.txt", template!("python/requirements.txt"))),
        Language::Js => files
            .extend([file("build.mjs", template!("js/build.mjs")), file("package.json", template!("js/package.json"))]),
        Language::Rust => {}
    }
    files.push(wit);
    files.extend(script(kind, &file));
    files
}

fn script(kind: PluginKind, file: &impl Fn(&str, &str) -> File) -> Option<File> {
    (kind == PluginKind::Backend).then(|| file("script.yaml", template!("backend.script.yaml")))
}

fn rust(kind: PluginKind, file: &impl Fn(&str, &str) -> File) -> Vec<File> {
    let source = match kind {
        PluginKind::Backend => template!("rust/backend/lib.rs"),
        PluginKind::Profile => template!("rust/profile/lib.rs"),
    };
    let dependencies = match kind {
        PluginKind::Backend => dependencies(&["serde", "serde_json"]),
        PluginKind::Profile => dependencies(&["serde_json"]),
    };
    let manifest = template!("rust/manifest.toml").replace("@DEPENDENCIES@", &dependencies);
    let sdk_manifest = sdk_manifest();
    // The worlds are two folders above the SDK in this repository, and one above it in a plugin.
    let sdk_source = sdk!("src/lib.rs").replace("../../wit/", "../wit/");
    let mut files = vec![
        file("Cargo.toml", &manifest),
        file("rust-toolchain.toml", template!("rust/rust-toolchain.toml")),
        file("src/lib.rs", source),
        file("sdk/Cargo.toml", &sdk_manifest),
        File { path: "sdk/src/lib.rs".to_owned(), text: sdk_source },
    ];
    for (path, text) in [
        ("sdk/src/findings.rs", sdk!("src/findings.rs")),
        ("sdk/src/findings/tests.rs", sdk!("src/findings/tests.rs")),
        ("sdk/src/requests.rs", sdk!("src/requests.rs")),
        ("sdk/src/requests/tests.rs", sdk!("src/requests/tests.rs")),
        ("sdk/src/xml.rs", sdk!("src/xml.rs")),
        ("sdk/src/xml/attributes.rs", sdk!("src/xml/attributes.rs")),
        ("sdk/src/xml/encoding.rs", sdk!("src/xml/encoding.rs")),
        ("sdk/src/xml/input.rs", sdk!("src/xml/input.rs")),
        ("sdk/src/xml/markup.rs", sdk!("src/xml/markup.rs")),
        ("sdk/src/xml/text.rs", sdk!("src/xml/text.rs")),
        ("wit/command.wit", include_str!("../../../wit/command.wit")),
    ] {
        files.push(File { path: path.to_owned(), text: text.to_owned() });
    }
    // The SDK serves both kinds, so it needs both worlds.
    for world in WORLDS {
        files.push(File { path: format!("wit/{}.wit", world.kind.name()), text: world.wit().to_owned() });
    }
    files.extend(script(kind, file));
    files
}

fn sdk_manifest() -> String {
    let optional = dependencies(&["encoding_rs", "memchr", "quick-xml"]);
    let optional = optional.lines().filter_map(|line| line.split_once(" = "));
    let optional = optional.map(|(name, version)| format!("{name} = {{ version = {version}, optional = true }}\n"));
    let dependencies = optional.collect::<String>() + &dependencies(&["serde", "serde_json", "wit-bindgen"]);
    template!("rust/sdk.toml").replace("@VERSION@", env!("CARGO_PKG_VERSION")).replace("@DEPENDENCIES@", &dependencies)
}

/// The lines of the workspace's manifest for these crates.
fn dependencies(crates: &[&str]) -> String {
    let is_wanted = |line: &&str| crates.iter().any(|wanted| line.starts_with(&format!("{wanted} = ")));
    WORKSPACE.lines().filter(is_wanted).collect::<Vec<_>>().join("\n")
}

/// The shell commands that come next, run where the new folder is.
pub fn next_steps(name: &str, kind: PluginKind, language: Language) -> Vec<String> {
    let (build, component) = match language {
        Language::Rust => (
            vec!["cargo build --target wasm32-wasip2 --release".to_owned()],
            format!("target/wasm32-wasip2/release/{}.wasm", name.replace('-', "_")),
        ),
        Language::Python => (
            vec![
                "python3 -m venv .venv".to_owned(),
                ".venv/bin/pip install --requirement requirements.txt".to_owned(),
                format!(".venv/bin/componentize-py -d wit -w {} componentize plugin -o {name}.wasm", kind.name()),
            ],
            format!("{name}.wasm"),
        ),
        Language::Js => (vec!["npm install".to_owned(), "npm run build".to_owned()], format!("{name}.wasm")),
    };
    let script = if kind == PluginKind::Backend { " --script script.yaml" } else { "" };
    let mut steps = vec![format!("cd {name}")];
    steps.extend(build);
    steps.push(format!("scanhost plugin test {component}{script}"));
    steps.push(format!("scanhost plugin check {component}"));
    steps
}
