//! The configuration: text is turned into its meaning once, here, and the rest of the server never checks it again.
//! Nothing is guessed: all problems are reported at once, each with its file, line and key.

mod command;
mod context;
mod credential;
mod document;
mod fields;
mod level;
mod limit;
mod listen;
mod log;
mod names;
mod plugin;
mod pool;
mod problem;
mod profile;
mod scanner;
mod secret;
mod setting;
mod store;
mod target;
mod tls;
mod token;
mod variable;
mod yaml;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use scanhost_domain::ids::{CredentialName, PoolName};

use context::Context;
use document::Document;
use names::Names;
use pool::Pools;

pub use crate::{
    command::{Command, CommandLimits},
    credential::{Credential, Escalation as CredentialEscalation, Login as CredentialLogin},
    limit::{CallLimits, Limits, Retention, ScannerLimits},
    listen::Exposed,
    log::{Log, LogFormat},
    plugin::{PluginLimits, PluginSource},
    pool::{Balance, Pool},
    problem::{Position, Problem, Problems},
    profile::ProfileDefinition,
    scanner::{Scanner, Tls},
    store::StoreKind,
    tls::ServerTls,
    token::{Scope, Token, permit_name as permit_token_name},
};
pub use level::check_level;
pub use secret::Secret;

/// A valid configuration, whose parts also fit each other.
#[derive(Clone, Debug)]
pub struct Config {
    /// Loopback, unless there are tokens.
    pub listen: SocketAddr,
    pub store: StoreKind,
    pub data: PathBuf,
    /// The prefix of all keys in Redis.
    pub key_prefix: String,
    /// Whether a Redis that may lose what it has acknowledged is refused at the start.
    pub require_persistence: bool,
    /// One of `pools`.
    pub default_pool: PoolName,
    pub tokens: Vec<Token>,
    /// The server's own certificate; `None` without TLS, or if a proxy has one.
    pub tls: Option<ServerTls>,
    /// Origins that are allowed beyond localhost, as browsers send them.
    pub allowed_origins: Vec<String>,
    /// Whether a person has to agree to privileged scans.
    pub confirm_privileged: bool,
    pub limits: Limits,
    pub retention: Retention,
    /// How long the server still answers after it was asked to end, while `/ready` says that it is about to.
    pub shutdown_grace: Duration,
    pub log: Log,
    /// The key that seals the secrets of requests.
    pub key_file: PathBuf,
    pub credentials: BTreeMap<CredentialName, Credential>,
    /// The pools, at least one.
    pub pools: Vec<Pool>,
    /// Programs of this machine, by the names under which plugins are granted them.
    pub commands: BTreeMap<String, Arc<Command>>,
    /// Plugins of the operator, by name.
    pub plugins: BTreeMap<String, PluginSource>,
    /// Profiles, the built-in ones first.
    pub profiles: Vec<ProfileDefinition>,
    sources: Vec<PathBuf>,
    /// The names under `plugins` and `commands`, also of entries that cannot be read.
    given_plugins: Names,
    given_commands: Names,
    is_data_sound: bool,
    /// The positions of the keys that a running process cannot change.
    fixed: BTreeMap<&'static str, Option<Position>>,
}

/// What was read of a configuration that may have problems.
pub struct Examined {
    /// The configuration. If there are problems, it has stand-ins for what cannot be read, and may have no pool.
    pub config: Option<Config>,
    pub problems: Vec<Problem>,
    /// Settings that work, but hardly as intended.
    pub warnings: Vec<Problem>,
    /// The files that were read or looked for.
    pub sources: Vec<PathBuf>,
}

/// The scanners without a configuration folder.
const DEFAULT_SCANNERS: &str = "mock: [{instance_id: mock1}]";

impl Config {
    /// Reads the folder's files; without a folder, the configuration that works on its own.
    ///
    /// # Errors
    /// The error has every problem of all files.
    pub fn load(folder: Option<&Path>, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let Examined { config, problems, sources, warnings: _ } = Self::examine(folder, environment);
        match config {
            Some(config) if problems.is_empty() => Ok(Self { sources, ..config }),
            _ => Err(Problems::new(problems, sources)),
        }
    }

    /// Reads the configuration as far as it can be read, and finds every problem and every likely mistake.
    pub fn examine(folder: Option<&Path>, environment: &dyn Fn(&str) -> Option<String>) -> Examined {
        let context = Context::new(folder, environment);
        let config = Documents::read(&context, folder).config(&context);
        let (problems, warnings, sources) = context.into_parts();
        Examined { config, problems, warnings, sources }
    }

    /// The data folder, also of a configuration that has problems elsewhere.
    pub fn data_folder(folder: Option<&Path>, environment: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let context = Context::new(folder, environment);
        let Some(folder) = folder else { return Some(PathBuf::from(DEFAULT_DATA)) };
        let server = Document::read(&context, folder, "scanhost.yaml", false)?;
        let mut fields = server.root(&context).fields();
        Some(fields.or("data", PathBuf::from(DEFAULT_DATA), |data| path(&data)))
    }

    /// The configuration with another address to listen on.
    ///
    /// # Errors
    /// It fails if the address is beyond loopback and there are no tokens.
    pub fn listen_on(self, address: SocketAddr) -> Result<Self, Exposed> {
        let listen = listen::permit(address, !self.tokens.is_empty())?;
        Ok(Self { listen, ..self })
    }

    /// The position of a key that a running process cannot change, if the key is given.
    pub fn place_of(&self, fixed: &str) -> Option<Position> {
        self.fixed.get(fixed).copied().flatten()
    }

    /// The plugins that are given, but cannot be loaded as they are given, for reasons that are problems already.
    pub fn unsound_plugins(&self) -> impl Iterator<Item = &str> {
        let is_sound = move |name: &&str| self.plugins.get(*name).is_some_and(|plugin| plugin.are_grants_known);
        self.given_plugins.iter().filter(move |name| !is_sound(name))
    }

    /// Whether there may be an entry for a plugin of this name, even one that cannot be read.
    pub fn may_have_plugin(&self, name: &str) -> bool {
        self.given_plugins.may_have(name)
    }

    /// Whether everything could be read that decides whether the backend can use this scanner.
    pub fn is_sound_scanner(&self, scanner: &Scanner) -> bool {
        // A scanner without an address is a program of this machine.
        scanner.is_sound && (scanner.url.is_some() || self.has_sound_commands(&scanner.backend))
    }

    /// Whether `data` could be read.
    pub fn has_sound_data(&self) -> bool {
        self.is_data_sound
    }

    /// Every file that was read or looked for, including secrets and certificates.
    pub fn sources(&self) -> &[PathBuf] {
        &self.sources
    }
}

/// The files of a configuration; `None` for a file that cannot be read at all.
struct Documents {
    server: Option<Document>,
    scanners: Option<Document>,
    built_in_profiles: Option<Document>,
    profiles: Option<Document>,
}

impl Documents {
    fn read(context: &Context<'_>, folder: Option<&Path>) -> Self {
        for file in FILES {
            warn_of_other_extension(context, folder, file);
        }
        let read = |file, is_needed, default| match folder {
            Some(folder) => Document::read(context, folder, file, is_needed),
            None => Document::parse(context, file, default),
        };
        Self {
            // An unreadable file must not hide the problems of the others.
            server: read("scanhost.yaml", false, "").or_else(|| Document::parse(context, "scanhost.yaml", "")),
            scanners: read("scanners.yaml", true, DEFAULT_SCANNERS),
            built_in_profiles: Document::parse(context, "built-in profiles", profile::BUILT_IN),
            profiles: read("profiles.yaml", false, ""),
        }
    }

    /// `None` only after a problem; some problems still give a configuration.
    fn config(&self, context: &Context<'_>) -> Option<Config> {
        let mut server = self.server.as_ref()?.root(context).fields();
        // What else depends on this file is not judged by the stand-in for a file that cannot be read.
        let is_read = !context.has_problem_at(SERVER_FILE, "");

        let commands_given = server.get("commands");
        let given_commands = Names::of(commands_given.as_ref(), is_read);
        let commands = commands_given.and_then(|commands| command::read_all(&commands)).unwrap_or_default();
        let plugins_given = server.get("plugins");
        let given_plugins = Names::of(plugins_given.as_ref(), is_read);
        let plugins = plugins_given.and_then(|plugins| plugin::read_all(&plugins, &given_commands)).unwrap_or_default();
        let has_component = |name: &str| given_plugins.may_have(name);
        let built_in = profile::read_all(&self.built_in_profiles.as_ref()?.root(context), &has_component);
        let profiles = self.profiles.as_ref().and_then(|file| profile::read_all(&file.root(context), &has_component));

        let scanners = self.scanners.as_ref().map(|scanners| scanners.root(context));
        let Pools { pools, are_complete } = pool::read_all(scanners.as_ref(), server.section("pools"));
        let default_pool = server.get("default_pool").and_then(|name| {
            let default: PoolName = name.parse()?;
            if are_complete && pools.iter().all(|pool| pool.name != default) {
                name.report("there is no such pool in scanners.yaml");
            }
            Some(default)
        });

        let tokens_given = server.get("tokens");
        // Tokens that cannot be read are a problem of their own.
        let has_tokens = tokens_given.as_ref().is_some_and(|tokens| !tokens.is_empty_list());
        let listen = server.or("listen", DEFAULT_LISTEN, |listen| {
            let address = listen::address(&listen)?;
            listen.check(listen::permit(address, has_tokens))
        });
        let tokens = tokens_given.and_then(|tokens| token::read_all(&tokens, listen)).unwrap_or_default();
        let allowed_origins =
            server.or("allowed_origins", Vec::new(), |origins| origins.list_of(|origin| listen::origin(&origin)));

        let tls = server.get("tls").and_then(|tls| tls::read(&tls));
        let data = server.or("data", PathBuf::from(DEFAULT_DATA), |data| path(&data));
        let mut fixed: BTreeMap<_, _> =
            ["listen", "store", "data", "key_prefix"].map(|key| (key, server.place(key))).into();
        let mut secrets = server.section("secrets");
        fixed.insert("secrets.key_file", secrets.place("key_file"));
        let key_file = secrets.or("key_file", data.join("secret.key"), |file| path(&file));
        secrets.finish();

        let store = server.or("store", StoreKind::Embedded, |store| StoreKind::read(&store));
        let is_data_sound = is_read && !server.has_problem_in("data");
        if let StoreKind::Redis(_) = store
            && is_data_sound
            && data.is_relative()
        {
            let message = "the folder is relative to the working directory of each process, but all processes that \
                           share this Redis need the same folder: give an absolute path";
            context.warn(SERVER_FILE, server.place("data"), "data", message.to_owned());
        }
        let key_prefix = server.or("key_prefix", String::new(), |prefix| store::key_prefix(&prefix));
        let mut redis = server.section("redis");
        let require_persistence = redis.or("require_persistence", false, |require| require.boolean());
        redis.finish();
        let confirm_privileged = server.or("confirm_privileged", false, |confirm| confirm.boolean());
        let limits = Limits::read(server.section("limits"), has_tokens);
        let retention = Retention::read(server.section("retention"));
        let shutdown_grace = server
            .or("shutdown_grace_seconds", Duration::ZERO, |grace| grace.duration(Duration::from_secs(1), 0.0..=600.0));
        let log = Log::read(server.section("log"));
        let credentials = server.or("credentials", BTreeMap::new(), |credentials| credential::read_all(&credentials));
        server.finish();

        let default_pool =
            default_pool.or_else(|| pools.first().map(|pool| pool.name.clone())).unwrap_or_else(pool::stand_in_name);
        let profiles = profile::replace(built_in?, profiles.unwrap_or_default());
        Some(Config {
            listen,
            store,
            data,
            key_prefix,
            require_persistence,
            default_pool,
            tokens,
            tls,
            allowed_origins,
            confirm_privileged,
            limits,
            retention,
            shutdown_grace,
            log,
            key_file,
            credentials,
            pools,
            commands,
            plugins,
            profiles,
            sources: Vec::new(),
            given_plugins,
            given_commands,
            is_data_sound,
            fixed,
        })
    }
}

const SERVER_FILE: &str = "scanhost.yaml";

const FILES: [&str; 3] = [SERVER_FILE, "scanners.yaml", "profiles.yaml"];

/// Warns of a file whose name ends in another usual way, which is never read.
fn warn_of_other_extension(context: &Context<'_>, folder: Option<&Path>, file: &str) {
    let Some((folder, name)) = folder.zip(file.strip_suffix(".yaml")) else { return };
    let other = format!("{name}.yml");
    if folder.join(&other).exists() {
        let message = if folder.join(file).exists() {
            format!("the file is not read, since {file} is there: remove one of them")
        } else {
            format!("the file is not read: rename it to {file}")
        };
        context.warn(&other, None, "", message);
    }
}

const DEFAULT_DATA: &str = "./data";

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8836);

/// A path of the running system. A relative one begins in the working folder, as it does without a configuration.
fn path(setting: &setting::Setting<'_>) -> Option<PathBuf> {
    let text = setting.text()?;
    if text.is_empty() || text.contains('\0') {
        setting.report("must be a path");
    }
    Some(PathBuf::from(text))
}
