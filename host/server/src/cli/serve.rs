//! `serve` and `stdio`.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, anyhow, bail};
use scanhost_app::{
    host::Host,
    reload::{self, Reloader},
    role::Role,
    telemetry::{self, Wish},
};
use scanhost_config::{Config, StoreKind};
use scanhost_domain::error_chain::chain;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, UnixStream},
};

use super::config_folder::ConfigFolder;
use crate::{
    app::{self, Purpose},
    control::{Control, connect_mcp},
    http,
    mcp::{
        self, Offer,
        transport::{self, NO_REQUEST},
    },
    service,
};

const NO_MCP: &str = "the client does not speak MCP: ";

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: ConfigFolder,
    /// Address and port to listen on, instead of the configured one
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// What this process does, where several processes share a store
    #[arg(long, value_enum, default_value_t)]
    role: RoleArgument,
    #[command(flatten)]
    offer: Offer,
}

/// The roles as the command line names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum RoleArgument {
    /// Serves MCP and runs scans
    #[default]
    All,
    /// Serves MCP; other processes run the scans
    Api,
    /// Runs scans; other processes serve MCP
    Worker,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::All => Self::All,
            RoleArgument::Api => Self::Api,
            RoleArgument::Worker => Self::Worker,
        }
    }
}

impl Args {
    /// Makes the function that reads the configuration, now and at every reload.
    fn reader(self: &Arc<Self>) -> reload::Read {
        let args = self.clone();
        Arc::new(move || args.load())
    }

    fn load(&self) -> anyhow::Result<Config> {
        let config = self.folder.load()?;
        Ok(match self.listen {
            Some(address) => config.listen_on(address)?,
            None => config,
        })
    }
}

pub async fn serve(args: Args) -> anyhow::Result<()> {
    telemetry::start(Wish::Configured("info"), mcp::is_loggable)?;
    let args = Arc::new(args);
    let is_default = args.folder.config.is_none();
    allow_many_sockets();
    let (config, reloader) = Reloader::start(args.reader())?;
    let listener = TcpListener::bind(config.listen).await;
    let listener = listener.map_err(|error| no_listener(config.listen, error))?;
    let listen = listener.local_addr()?;
    let host = app::build(config, Purpose::Work(args.role.into())).await?;
    // From here on the host has to be stopped in order.
    let ended = end_signal()?;
    app::start_work(&host)?;
    host.tasks.spawn(service::keep_alive(host.clone()));
    host.tasks.spawn(reloader.run(host.clone(), service::reload));
    greet(&host, listen, is_default);
    let router = http::router(&host, listen, &args.offer);
    service::ready();
    let ended = async {
        ended.await;
        tracing::info!("shutting down");
        service::stopping();
        host.leaving.cancel();
        // A load balancer learns from /ready that it should send nothing more.
        tokio::time::sleep(host.snapshot.load().config.shutdown_grace).await;
    };
    tokio::select! {
        () = http::serve(host.clone(), listener, router) => {}
        () = ended => {}
    }
    app::stop(&host).await;
    Ok(())
}

pub async fn stdio(args: Args) -> anyhow::Result<()> {
    telemetry::start(Wish::Configured("warn"), mcp::is_loggable)?;
    if !Role::from(args.role).serves_mcp() {
        bail!("a worker does not serve MCP: run `scanhost serve --role worker`, or leave --role out");
    }
    let args = Arc::new(args);
    let (config, reloader) = Reloader::start(args.reader())?;
    let host = match Control::open(config, Purpose::Work(args.role.into())).await? {
        Control::Own(host) | Control::Empty(host, _) => host,
        // A second editor on the same folder works through the first one's host.
        Control::Other(data) => {
            let stream = connect_mcp(&data, &args.offer)
                .await
                .context("the scanhost process on this data folder has just ended: run this command again")?;
            return relay(stream, &data).await;
        }
    };
    let ended = end_signal()?;
    app::start_work(&host)?;
    host.tasks.spawn(reloader.run(host.clone(), |_| {}));
    let served = tokio::select! {
        served = transport::stdio(host.clone(), &args.offer) => served,
        () = ended => Ok(()),
    };
    app::stop(&host).await;
    served.map_err(|error| anyhow!("{NO_MCP}{error}"))
}

fn no_listener(address: SocketAddr, error: io::Error) -> anyhow::Error {
    let is_taken = error.kind() == io::ErrorKind::AddrInUse;
    let hint = if is_taken { "; give each process its own --listen address" } else { "" };
    anyhow!("cannot listen on {address}: {error}{hint}")
}

/// Passes the client's input to the other host, and the host's output back.
///
/// # Errors
/// Fails when the other host ends first, or when the input is not MCP.
async fn relay(stream: UnixStream, data: &Path) -> anyhow::Result<()> {
    const GONE: &str = "the scanhost process that this one connected to has ended: start this one again";
    let client_is_done = AtomicBool::new(false);
    let (mut read, mut write) = stream.into_split();
    let (mut stdin, mut stdout) = (tokio::io::stdin(), tokio::io::stdout());
    let forward = async {
        tokio::io::copy(&mut stdin, &mut write).await?;
        client_is_done.store(true, Ordering::Relaxed);
        write.shutdown().await
    };
    let back = async {
        let answered = tokio::io::copy(&mut read, &mut stdout).await?;
        stdout.flush().await?;
        io::Result::Ok(answered)
    };
    let ended = end_signal()?;
    tokio::select! {
        // The other host ends the conversation once the client has, with all its answers.
        done = back => match done {
            Ok(_) if client_is_done.load(Ordering::Relaxed) => Ok(()),
            Ok(0) if Control::running(data).await.is_some() => bail!("{NO_MCP}{NO_REQUEST}"),
            Ok(_) => bail!(GONE),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => bail!(GONE),
            Err(error) => Err(error.into()),
        },
        Err(error) = forward => match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => bail!(GONE),
            _ => Err(error.into()),
        },
        () = ended => Ok(()),
    }
}

/// Prints how to connect an agent and where the page is, if there is no configuration that says it.
fn greet(host: &Arc<Host>, listen: SocketAddr, is_default: bool) {
    let (version, role) = (env!("CARGO_PKG_VERSION"), host.role.name());
    let store = match host.snapshot.load().config.store {
        StoreKind::Embedded => "embedded",
        StoreKind::Redis(_) => "redis",
    };
    let (data, installation) = (host.data.display(), host.installation.as_str());
    tracing::info!(version, role, store, %data, installation, %listen, "scanhost has started");
    if is_default {
        let data = host.data.display();
        eprintln!(
            "scanhost serves MCP at http://{listen}/mcp and a page for people at http://{listen}/, with a mock scanner; data is in {data}"
        );
        eprintln!("connect Claude Code: claude mcp add --transport http scanhost http://{listen}/mcp");
        eprintln!("connect any other client: Streamable HTTP at that address, or the command `scanhost stdio`");
    } else if !host.role.serves_mcp() {
        tracing::info!(%listen, data = %host.data.display(), "serving /health, /ready and /metrics, and running scans");
    } else {
        tracing::info!(%listen, data = %host.data.display(), "serving MCP at /mcp");
    }
}

/// Raises the limit of open files. Many systems start a process with 1,024, fewer than the clients it should serve.
fn allow_many_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(error = chain(&error), "the limit of open files could not be raised");
    }
}

/// Waits for a signal to end. Signals count from this call on, also before the future is awaited.
fn end_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
