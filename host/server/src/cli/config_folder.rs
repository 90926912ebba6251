//! Where the configuration is, for every command that needs it.

use std::path::PathBuf;

use scanhost_config::Config;

use crate::control::Control;

/// Where the configuration is.
#[derive(clap::Args, Clone)]
pub struct ConfigFolder {
    /// Folder with scanhost.yaml, scanners.yaml and profiles.yaml; without it, one mock pool and ./data
    #[arg(long, value_name = "DIR", global = true)]
    pub config: Option<PathBuf>,
}

impl ConfigFolder {
    pub fn load(&self) -> anyhow::Result<Config> {
        let environment = |name: &str| std::env::var(name).ok();
        Ok(Config::load(self.config.as_deref(), &environment)?)
    }

    /// The host that runs on the data folder, also while something is wrong in the configuration: it goes on with what it
    /// had before.
    pub async fn running(&self) -> Option<Control> {
        let environment = |name: &str| std::env::var(name).ok();
        Control::running(&Config::data_folder(self.config.as_deref(), &environment)?).await
    }
}

/// A command that cannot be meant, as could only be told from all its arguments together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub &'static str);
