//! A scanner that records every request, and treats all requests alike.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

#[derive(Clone, Copy)]
pub enum Behavior {
    /// Answers a request with the body of the request.
    Echo,
    /// Never answers.
    Silent,
}

/// A running scanner, which ends when it is dropped.
pub struct FakeScanner {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl FakeScanner {
    pub async fn start(behavior: Behavior) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut serving = JoinSet::new();
        let recorded = requests.clone();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, behavior, recorded.clone()));
            }
        });
        Self { url, requests, _serving: serving }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The request line, headers and body of every request until now.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, behavior: Behavior, requests: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or_default() == 0 {
                return;
            }
        }
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        requests.lock().unwrap().push(head + &String::from_utf8_lossy(&body));
        match behavior {
            Behavior::Silent => std::future::pending().await,
            Behavior::Echo => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                if stream.write_all(&[head.into_bytes(), body].concat()).await.is_err() {
                    return;
                }
            }
        }
    }
}
