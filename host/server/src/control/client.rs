//! Asking: the host of another process where one runs on the data folder, else one of this process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use scanhost_app::{host::Host, refusal::joined};
use scanhost_config::{Config, StoreKind};
use scanhost_store::StoreError;
use serde_json::Value as Json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

use super::{Request, perform_noted, server::MCP_GREETING, socket_address};
use crate::{
    app::{self, Purpose},
    mcp::Offer,
};

/// How long another host on the same folder may take to start or to end.
const START_TIME: Duration = Duration::from_secs(30);

/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(200);

/// A host to ask.
pub enum Control {
    Own(Arc<Host>),
    /// The data folder of the other one. Each question has a connection of its own, so that one that is given up
    /// leaves no answer behind for the next.
    Other(PathBuf),
}

impl Control {
    /// The host that owns the configuration's data folder, or a new one for this that does no work by itself. Nobody owns the folder of a shared store.
    ///
    /// # Errors
    /// When neither can be had.
    pub async fn open(config: Config, purpose: Purpose) -> anyhow::Result<Self> {
        if let StoreKind::Redis(_) = config.store {
            return Ok(Self::Own(app::build(config, purpose).await?));
        }
        let start = tokio::time::Instant::now();
        loop {
            if connect(&config.data).await.is_some() {
                return Ok(Self::Other(config.data));
            }
            match app::build(config.clone(), purpose).await {
                Ok(host) => return Ok(Self::Own(host)),
                // Another one is just starting, and will listen soon, or just ending.
                Err(error) if is_in_use(&error) && start.elapsed() < START_TIME => tokio::time::sleep(LOOK).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// The host that runs on this data folder.
    pub async fn running(data: &Path) -> Option<Self> {
        connect(data).await.map(|_| Self::Other(data.to_owned()))
    }

    /// # Errors
    /// With what the host says, or when it is gone.
    pub async fn ask(&self, request: Request) -> anyhow::Result<Json> {
        match self {
            Self::Own(host) => Ok(perform_noted(host, "shell", request).await?),
            Self::Other(data) => ask(connect(data).await.context("the running scanhost is gone")?, &request).await,
        }
    }

    /// Ends a host of this process.
    pub async fn close(self) {
        if let Self::Own(host) = self {
            app::stop(&host).await;
        }
    }
}

async fn ask(mut stream: UnixStream, request: &Request) -> anyhow::Result<Json> {
    let line = serde_json::to_string(request)? + "\n";
    stream.write_all(line.as_bytes()).await.context("the running scanhost is gone")?;
    let mut answer = String::new();
    if BufReader::new(stream).read_line(&mut answer).await? == 0 {
        bail!("the running scanhost is gone");
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

/// Whether another process has the store.
pub fn is_in_use(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::InUse)))
}
