//! A TCP proxy in front of Redis that can delay the answer to a script: Redis has run the script, but the client does
//! not know yet.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};

pub struct DelayingProxy {
    url: String,
    hold: Arc<Hold>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Hold {
    is_wanted: AtomicBool,
    end: Notify,
}

impl DelayingProxy {
    /// Starts a proxy in front of the Redis at this URL, such as `redis://127.0.0.1:6379/0`.
    pub async fn start(redis: &str) -> Self {
        let address = redis.trim_start_matches("redis://").trim_end_matches("/0").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("redis://{}/0", listener.local_addr().expect("it is bound"));
        let (hold, mut serving) = (Arc::<Hold>::default(), JoinSet::new());
        let task_hold = hold.clone();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(forward(client, address.clone(), task_hold.clone()));
            }
        });
        Self { url, hold, _serving: serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Holds back the answer to the next script, and all later answers on that connection.
    pub fn hold_next_script(&self) {
        self.hold.is_wanted.store(true, Ordering::Release);
    }

    /// Forwards the answers that were held back, and all later ones.
    pub fn release(&self) {
        self.hold.end.notify_one();
    }
}

async fn forward(mut client: TcpStream, address: String, hold: Arc<Hold>) -> io::Result<()> {
    let mut server = TcpStream::connect(address).await?;
    let (mut request, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_held = false;
    loop {
        tokio::select! {
            count = client.read(&mut request) => {
                let request = &request[..count?];
                let is_script = request.windows(7).any(|word| word == b"EVALSHA");
                is_held |= is_script && hold.is_wanted.swap(false, Ordering::AcqRel);
                if request.is_empty() {
                    return Ok(());
                }
                server.write_all(request).await?;
            }
            count = server.read(&mut answer), if !is_held => {
                let answer = &answer[..count?];
                if answer.is_empty() {
                    return Ok(());
                }
                client.write_all(answer).await?;
            }
            () = hold.end.notified(), if is_held => is_held = false,
        }
    }
}
