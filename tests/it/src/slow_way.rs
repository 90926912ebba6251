//! A way to Redis on which the answer to a script can be held up: it was carried out, and whoever sent it hears so late.

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

pub struct SlowWay {
    url: String,
    hold: Arc<Hold>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Hold {
    is_wanted: AtomicBool,
    end: Notify,
}

impl SlowWay {
    /// To the Redis at this address, such as `redis://127.0.0.1:6379/0`.
    pub async fn to(redis: &str) -> Self {
        let address = redis.trim_start_matches("redis://").trim_end_matches("/0").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("redis://{}/0", listener.local_addr().expect("it is bound"));
        let (hold, mut serving) = (Arc::<Hold>::default(), JoinSet::new());
        let held = hold.clone();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, address.clone(), held.clone()));
            }
        });
        Self { url, hold, _serving: serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// From the next script on no answer comes through.
    pub fn hold_next(&self) {
        self.hold.is_wanted.store(true, Ordering::Release);
    }

    /// What was held up comes through, and all that follows.
    pub fn let_go(&self) {
        self.hold.end.notify_one();
    }
}

async fn pass(mut client: TcpStream, address: String, hold: Arc<Hold>) -> io::Result<()> {
    let mut server = TcpStream::connect(address).await?;
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_held = false;
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let asked = &asked[..count?];
                let is_script = asked.windows(7).any(|word| word == b"EVALSHA");
                is_held |= is_script && hold.is_wanted.swap(false, Ordering::AcqRel);
                if asked.is_empty() {
                    return Ok(());
                }
                server.write_all(asked).await?;
            }
            count = server.read(&mut answered), if !is_held => {
                let answered = &answered[..count?];
                if answered.is_empty() {
                    return Ok(());
                }
                client.write_all(answered).await?;
            }
            () = hold.end.notified(), if is_held => is_held = false,
        }
    }
}
