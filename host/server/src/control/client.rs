//! The client side: it asks the host that runs on the data folder, or else starts one in this process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use scanhost_app::{host::Host, refusal::joined};
use scanhost_config::{Config, StoreKind};
use scanhost_store::StoreError;
use scanhost_system::data_folder;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

use super::{Request, perform_noted, server::MCP_GREETING, socket_address};
use crate::{
    app::{self, Purpose},
    mcp::Offer,
};

const ENDED: &str = "the scanhost process on this data folder has just ended: run this command again";

/// How long another host on the same folder may take to start or to stop.
const START_TIME: Duration = Duration::from_secs(30);

/// The time between two attempts to reach or replace it.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// A host that carries out requests.
pub enum Control {
    /// A host in this process.
    Own(Arc<Host>),
    /// A host in this process on an empty folder, where nothing was ever stored. The folder goes with it.
    Empty(Arc<Host>, TempDir),
    /// The data folder of a host in another process. Each request has its own connection, so that an abandoned one
    /// leaves no answer behind for the next.
    Other(PathBuf),
}

impl Control {
    /// Reaches the host that owns the configuration's data folder, or else starts one that does no work by itself. With
    /// a shared store nobody owns the folder, and it always starts one.
    pub async fn open(config: Config, purpose: Purpose) -> anyhow::Result<Self> {
        if let StoreKind::Redis(_) = config.store {
            return Ok(Self::Own(app::build(config, purpose).await?));
        }
        if let Purpose::Looking = purpose
            && let Err(nothing) = data_folder::permit_looking(&config.data)
        {
            eprintln!("warning: {nothing:#}");
            let folder = tempfile::tempdir().context("a temporary folder cannot be created")?;
            let mut config = config;
            (config.data, config.key_file) = (folder.path().join("data"), folder.path().join("key"));
            return Ok(Self::Empty(app::build(config, Purpose::Empty).await?, folder));
        }
        let start = tokio::time::Instant::now();
        loop {
            if connect(&config.data).await.is_some() {
                return Ok(Self::Other(config.data));
            }
            match app::build(config.clone(), purpose).await {
                Ok(host) => return Ok(Self::Own(host)),
                // Another host is starting and will listen soon, or it is stopping.
                Err(error) if is_in_use(&error) && start.elapsed() < START_TIME => {
                    tokio::time::sleep(RETRY_INTERVAL).await
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The host that runs on this data folder.
    pub async fn running(data: &Path) -> Option<Self> {
        connect(data).await.map(|_| Self::Other(data.to_owned()))
    }

    /// Asks the host to carry out a request.
    pub async fn ask(&self, request: Request) -> anyhow::Result<Json> {
        match self {
            Self::Own(host) | Self::Empty(host, _) => Ok(perform_noted(host, "shell", request).await?),
            Self::Other(data) => ask(connect(data).await.context(ENDED)?, &request).await,
        }
    }

    /// Stops the host, if it is one in this process.
    pub async fn close(self) {
        match self {
            Self::Own(host) => app::stop(&host).await,
            Self::Empty(host, folder) => {
                app::stop(&host).await;
                drop(folder);
            }
            Self::Other(_) => {}
        }
    }
}

async fn ask(mut stream: UnixStream, request: &Request) -> anyhow::Result<Json> {
    let line = serde_json::to_string(request)? + "\n";
    stream.write_all(line.as_bytes()).await.context(ENDED)?;
    let mut answer = String::new();
    if BufReader::new(stream).read_line(&mut answer).await? == 0 {
        bail!(ENDED);
    }
    let mut answer: Json = serde_json::from_str(&answer)?;
    if let Some(error) = answer.get("error") {
        let part = |name: &str| error.get(name).and_then(Json::as_str).unwrap_or_default();
        bail!("{}: {}", part("code"), joined(part("message"), part("hint")));
    }
    Ok(answer["ok"].take())
}

/// A connection that speaks MCP, when a host runs on this data folder.
pub async fn connect_mcp(data: &Path, offer: &Offer) -> Option<UnixStream> {
    let mut stream = connect(data).await?;
    let greeting = format!("{MCP_GREETING}{}\n", serde_json::to_string(offer).ok()?);
    stream.write_all(greeting.as_bytes()).await.ok()?;
    Some(stream)
}

async fn connect(data: &Path) -> Option<UnixStream> {
    let (address, _folder) = socket_address(data).ok()?;
    UnixStream::connect(address).await.ok()
}

/// Whether the error says that another process uses the store.
pub fn is_in_use(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::InUse)))
}
