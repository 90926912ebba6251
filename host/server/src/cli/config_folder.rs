//! The option that names the folder of the configuration, for every command that needs one.

use std::path::{Path, PathBuf};

use scanhost_config::Config;

use crate::control::Control;

/// The folder of the configuration.
#[derive(clap::Args, Clone)]
pub struct ConfigFolder {
    /// Folder with scanhost.yaml, scanners.yaml and profiles.yaml. Without it there is one mock pool, with data in ./data
    #[arg(long, value_name = "DIR", global = true, env = "SCANHOST_CONFIG")]
    pub config: Option<PathBuf>,
}

impl ConfigFolder {
    /// Reads the configuration for a command, and says on stderr if there is no folder of it.
    pub fn load_for_command(&self) -> anyhow::Result<Config> {
        if self.config.is_none() {
            let unread = ["scanhost.yaml", "config/scanhost.yaml"].into_iter().find(|file| Path::new(file).exists());
            let hint = unread.map_or_else(String::new, |file| {
                let folder = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                format!("; ./{file} is not read: pass `--config {}` or set SCANHOST_CONFIG", folder.display())
            });
            eprintln!("no --config: built-in defaults, with data in ./data{hint}");
        }
        self.load()
    }

    pub fn load(&self) -> anyhow::Result<Config> {
        let environment = |name: &str| std::env::var(name).ok();
        Ok(Config::load(self.config.as_deref(), &environment)?)
    }

    /// Reaches the host that runs on the data folder, also while the configuration has errors: the host then uses its
    /// previous one.
    pub async fn running(&self) -> Option<Control> {
        let environment = |name: &str| std::env::var(name).ok();
        Control::running(&Config::data_folder(self.config.as_deref(), &environment)?).await
    }
}

/// A wrong combination of arguments.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub &'static str);
