//! Asking: the host of another process where one runs on the data folder, else one of this process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use serde_json::Value as Json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

use super::{Request, SOCKET_NAME, perform, server::MCP_GREETING};
use crate::{app, config::Config, host::Host};

/// A host to ask.
pub enum Control {
    Own(Arc<Host>),
    /// The data folder of the other one. Each question has a connection of its own, so that one that is given up
    /// leaves no answer behind for the next.
    Other(PathBuf),
}

impl Control {
    /// The host that runs on the configuration's data folder, or a new one that does no work of its own.
    ///
    /// # Errors
    /// When neither can be had.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        match connect(&config.data).await {
            Some(_) => Ok(Self::Other(config.data)),
            None => Ok(Self::Own(app::build(config).await?)),
        }
    }

    /// # Errors
    /// With what the host says, or when it is gone.
    pub async fn ask(&self, request: Request) -> anyhow::Result<Json> {
        match self {
            Self::Own(host) => Ok(perform(host, request).await?),
            Self::Other(data) => ask(connect(data).await.context("the running scanhost is gone")?, &request).await,
        }
    }

    /// Calls a tool, as an agent would.
    ///
    /// # Errors
    /// With what the tool says, or when the host is gone.
    pub async fn tool(&self, name: &str, arguments: Json) -> anyhow::Result<Json> {
        let Json::Object(arguments) = arguments else { bail!("arguments are an object") };
        self.ask(Request::Tool { name: name.to_owned(), arguments }).await
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
        bail!("{}: {} {}", part("code"), part("message"), part("hint"));
    }
    Ok(answer["ok"].take())
}

/// A connection that speaks MCP, when a host runs on this data folder.
pub async fn connect_mcp(data: &Path) -> Option<UnixStream> {
    let mut stream = connect(data).await?;
    stream.write_all(MCP_GREETING.as_bytes()).await.ok()?;
    Some(stream)
}

async fn connect(data: &Path) -> Option<UnixStream> {
    UnixStream::connect(data.join(SOCKET_NAME)).await.ok()
}
