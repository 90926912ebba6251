//! Changes as server-sent events: each event is the new HTML of one part of a page that has changed. A stream ends after a
//! while and with every reload of the configuration, and the browser connects again, so a login that has ended gets no
//! more events.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    time::Duration,
};

use axum::{
    Extension,
    extract::Path,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use scanhost_app::{
    find,
    refusal::{ErrorCode, Refusal},
};
use scanhost_store::Watch;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::Instant,
};

use super::{
    overview::{self, Part},
    scan,
    trouble::Trouble,
    visitor::Visitor,
};

/// The time between two readings, for changes that wake nobody up.
const READ_INTERVAL: Duration = Duration::from_secs(1);

/// How long a stream lasts.
const LIFE: Duration = Duration::from_secs(60);

/// How often a quiet stream sends a comment. Some proxies close a connection that is quiet for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The names of the events: a part has changed, and the page has to be reloaded.
const PART: &str = "part";
const RELOAD: &str = "reload";

pub async fn stream_overview(Extension(visitor): Extension<Visitor>) -> Response {
    Feed::open(visitor, Subject::Overview)
}

pub async fn stream_scan(Extension(visitor): Extension<Visitor>, Path(id): Path<String>) -> Response {
    match find::scan(visitor.host(), &id).await {
        Ok(scan) => {
            let watch = visitor.host().scans.watch(&scan.id);
            Feed::open(visitor, Subject::Scan(scan.id.to_string(), watch))
        }
        Err(refusal) => Trouble::from(refusal).for_visitors(&visitor),
    }
}

/// What the page shows.
enum Subject {
    Overview,
    Scan(String, Watch),
}

/// The event stream of one browser.
struct Feed {
    visitor: Visitor,
    subject: Subject,
    sent: HashMap<&'static str, String>,
    waiting: VecDeque<Event>,
    is_first: bool,
    has_ended: bool,
    end: Instant,
    /// The generations of the configuration.
    generations: watch::Receiver<u64>,
    /// Counts the stream until it is dropped.
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    fn open(visitor: Visitor, subject: Subject) -> Response {
        let Ok(permit) = visitor.site.streams.clone().try_acquire_owned() else {
            let hint = "Reload the page to see changes.";
            return Trouble::from(Refusal::new(
                ErrorCode::Unavailable,
                "too many pages are open for live updates",
                hint,
            ))
            .for_visitors(&visitor);
        };
        let feed = Self {
            generations: visitor.host().reloads.generations(),
            visitor,
            subject,
            sent: HashMap::new(),
            waiting: VecDeque::new(),
            is_first: true,
            has_ended: false,
            end: Instant::now() + LIFE,
            _permit: permit,
        };
        let events = stream::unfold(feed, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok::<_, Infallible>(event), feed))
        });
        Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let shutdown = self.visitor.host().shutdown.clone();
            if self.has_ended || shutdown.is_cancelled() || Instant::now() >= self.end {
                return None;
            }
            if !std::mem::replace(&mut self.is_first, false) {
                let mut generations = self.generations.clone();
                tokio::select! {
                    () = self.changed() => {}
                    () = tokio::time::sleep(READ_INTERVAL) => {}
                    // The rights of the visitor may have changed.
                    _ = generations.changed() => return None,
                    () = shutdown.cancelled() => return None,
                }
            }
            self.read_parts().await;
        }
    }

    async fn changed(&self) {
        match &self.subject {
            Subject::Overview => std::future::pending().await,
            Subject::Scan(_, watch) => watch.changed().await,
        }
    }

    async fn read_parts(&mut self) {
        let read = match &self.subject {
            Subject::Overview => overview::parts(&self.visitor).await.map(|parts| (parts, false)),
            Subject::Scan(id, _) => scan::parts(&self.visitor, id).await,
        };
        match read {
            Ok((parts, has_ended)) => {
                for part in parts {
                    self.send_if_changed(part);
                }
                self.has_ended = has_ended;
            }
            // The scan was deleted; the reloaded page says so.
            Err(Trouble::Refused(refusal)) if refusal.code == ErrorCode::NotFound => self.has_ended = true,
            // While the store cannot be read, the page keeps what it shows.
            Err(_) => {}
        }
        if self.has_ended {
            self.waiting.push_back(Event::default().event(RELOAD).data("ended"));
        }
    }

    fn send_if_changed(&mut self, (name, part): Part) {
        let html = super::escape::checked(part);
        if self.sent.get(name) != Some(&html) {
            self.waiting.push_back(Event::default().event(PART).data(&html));
            self.sent.insert(name, html);
        }
    }
}
