//! The one connection to Redis, which all calls and published messages share. When it is lost, the next call makes
//! another. A call that is not answered in time fails and is never sent twice, since it may have been carried out.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo as _, Pipeline, ProtocolVersion, PushInfo,
    PushKind, RedisError, RedisResult, ScriptInvocation, Value, aio::MultiplexedConnection,
};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};

use super::{super::StoreError, events::Events};

/// The longest call. An agent should learn soon that it cannot submit, but not fail because of a short pause of a disk
/// or a core.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// The longest attempt to connect, which leaves some time for the call itself.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);

pub struct Connection {
    client: Client,
    events: Arc<Events>,
    /// Empty until the first call needs it; swapped for an empty one when it is lost.
    present: ArcSwap<OnceCell<Live>>,
}

struct Live {
    connection: MultiplexedConnection,
    is_lost: Arc<AtomicBool>,
    since: Instant,
}

impl Connection {
    /// Prepares a connection to the Redis of this URL. Nothing is sent yet.
    pub fn new(url: &str, events: Arc<Events>) -> Result<Self, StoreError> {
        // The URL may carry a password, so that the error must not quote it.
        let bad_url = |_: RedisError| StoreError::Unavailable("its URL is not a valid Redis URL".to_owned());
        let address = url.into_connection_info().map_err(bad_url)?;
        // Only this version lets calls and messages share a connection.
        let settings = address.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(address.set_redis_settings(settings)).map_err(bad_url)?;
        Ok(Self { client, events, present: ArcSwap::default() })
    }

    /// Sends a command that only reads.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.write(command).await.map_err(nothing_written)
    }

    /// Sends commands that only read.
    pub async fn query_all<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, StoreError> {
        self.write_all(commands).await.map_err(nothing_written)
    }

    /// Sends a command that writes.
    ///
    /// # Errors
    /// Like every write it fails with [`StoreError::AnswerLost`] if it may have been carried out all the same.
    pub async fn write<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.call(|mut connection| async move { command.query_async(&mut connection).await }).await
    }

    pub async fn write_all<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, StoreError> {
        if commands.is_empty() {
            return redis::from_redis_value(Value::Array(Vec::new())).map_err(|error| unavailable(&error.into()));
        }
        self.call(|mut connection| async move { commands.query_async(&mut connection).await }).await
    }

    pub async fn invoke<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.call(|mut connection| async move { script.invoke_async(&mut connection).await }).await
    }

    /// How long the present connection has lasted.
    pub fn age(&self) -> Duration {
        self.present.load().get().map_or(Duration::ZERO, |live| live.since.elapsed())
    }

    async fn call<T, F>(&self, send: impl FnOnce(MultiplexedConnection) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let (present, end) = (self.present(), Instant::now() + LONGEST_CALL);
        let live = match in_time(end, present.get_or_try_init(|| self.connect())).await {
            Ok(live) => live,
            Err(error) => {
                if is_lost(&error) {
                    self.forget(&present);
                }
                return Err(unavailable(&error));
            }
        };
        in_time(end, send(live.connection.clone())).await.map_err(|error| {
            if !is_lost(&error) {
                return unavailable(&error);
            }
            self.forget(&present);
            StoreError::AnswerLost(format!("Redis: {error}"))
        })
    }

    fn present(&self) -> Arc<OnceCell<Live>> {
        let present = self.present.load_full();
        if present.get().is_some_and(|live| live.is_lost.load(Ordering::Acquire)) {
            self.forget(&present);
            return self.present.load_full();
        }
        present
    }

    /// Lets the next call make a new connection, unless another call has already done so.
    fn forget(&self, lost: &Arc<OnceCell<Live>>) {
        self.present.compare_and_swap(lost, Arc::default());
    }

    async fn connect(&self) -> RedisResult<Live> {
        let is_lost = Arc::new(AtomicBool::new(false));
        let (events, lost) = (self.events.clone(), is_lost.clone());
        let receive = move |push: PushInfo| -> Result<(), Infallible> {
            match push.kind {
                PushKind::Message => events.receive(push.data),
                PushKind::Disconnection => lost.store(true, Ordering::Release),
                _ => {}
            }
            Ok(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(LONGEST_CONNECT))
            .set_response_timeout(Some(LONGEST_CALL))
            .set_push_sender(receive);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(self.events.channel()).await?;
        self.events.resume();
        Ok(Live { connection, is_lost, since: Instant::now() })
    }
}

async fn in_time<T>(end: Instant, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let too_late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    timeout_at(end, answer).await.map_err(too_late)?
}

/// Whether Redis itself has not answered.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

fn nothing_written(error: StoreError) -> StoreError {
    match error {
        StoreError::AnswerLost(reason) => StoreError::Unavailable(reason),
        other => other,
    }
}

fn unavailable(error: &RedisError) -> StoreError {
    StoreError::Unavailable(format!("Redis: {error}"))
}
