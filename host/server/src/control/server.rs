//! The server side: the host that owns the data folder listens on the socket.

use std::{fs, io, os::unix::fs::PermissionsExt as _, sync::Arc};

use scanhost_app::host::Host;
use scanhost_domain::error_chain::chain;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{Request, SOCKET_NAME, perform_noted, socket_address};
use crate::mcp::{Offer, transport};

/// The largest request, in bytes.
const MAX_LINE: u64 = 4 << 20;

/// The start of a line after which the connection speaks MCP. The rest of the line says which tools to offer.
pub const MCP_GREETING: &str = "mcp ";

/// Listens until shutdown.
pub fn listen(host: &Arc<Host>) -> io::Result<()> {
    let path = host.data.join(SOCKET_NAME);
    let (address, _folder) = socket_address(&host.data)?;
    // This process owns the store, so a socket that is there was left behind.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&address)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let accepting = host.clone();
    host.tasks.spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = accepting.shutdown.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let serving = serve(accepting.clone(), stream);
                    accepting.tasks.spawn(serving);
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "a connection to the control socket could not be accepted")
                }
            }
        }
        // The next process makes its own socket.
        let _best_effort = fs::remove_file(&path);
    });
    Ok(())
}

async fn serve(host: Arc<Host>, stream: UnixStream) {
    let shutdown = host.shutdown.clone();
    tokio::select! {
        result = talk(host, stream) => {
            if let Err(error) = result {
                tracing::debug!(error = chain(&error), "a control connection ended");
            }
        }
        () = shutdown.cancelled() => {}
    }
}

async fn talk(host: Arc<Host>, stream: UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = String::new();
        if (&mut read).take(MAX_LINE).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if let Some(offer) = line.strip_prefix(MCP_GREETING) {
            let offer: Offer = serde_json::from_str(offer)?;
            return transport::stream(host, &offer, read, write).await.map_err(io::Error::other);
        }
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => match perform_noted(&host, "socket", request).await {
                Ok(value) => json!({ "ok": value }),
                Err(refusal) => json!({ "error": {
                    "code": refusal.code.name(), "message": refusal.message, "hint": refusal.hint,
                } }),
            },
            Err(error) => json!({ "error": { "code": "invalid_argument", "message": error.to_string(), "hint": "" } }),
        };
        write.write_all(format!("{answer}\n").as_bytes()).await?;
    }
}
