//! A proxy to Redis that loses an answer on demand: the command is carried out, but its answer never arrives.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    task::JoinSet,
};

pub struct AnswerLosingProxy {
    url: String,
    loses_next: Arc<AtomicBool>,
    _serving: JoinSet<()>,
}

impl AnswerLosingProxy {
    pub async fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let loses_next = Arc::new(AtomicBool::new(false));
        let mut serving = JoinSet::new();
        let loses = loses_next.clone();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, socket.clone(), loses.clone()));
            }
        });
        Self { url, loses_next, _serving: serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends the connection before the answer of the next script arrives.
    pub fn lose_next(&self) {
        self.loses_next.store(true, Ordering::Release);
    }
}

async fn pass(mut client: TcpStream, socket: PathBuf, loses_next: Arc<AtomicBool>) -> io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_losing = false;
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let asked = &asked[..count?];
                let is_script = asked.windows(7).any(|word| word == b"EVALSHA");
                is_losing |= is_script && loses_next.swap(false, Ordering::AcqRel);
                if asked.is_empty() {
                    return Ok(());
                }
                server.write_all(asked).await?;
            }
            count = server.read(&mut answered) => {
                let answered = &answered[..count?];
                if answered.is_empty() || is_losing {
                    return Ok(());
                }
                client.write_all(answered).await?;
            }
        }
    }
}
