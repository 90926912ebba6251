//! Changes as server-sent events: each part of a page that is not as it was, as the HTML that takes its place. A stream
//! ends after a while and with every reload, and the browser asks again: so nobody looks on whose login has ended.

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
    page_request::Visit,
    scan,
    trouble::Trouble,
};

/// Between two looks, for what changes without a wake-up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a stream lasts.
const LIFE: Duration = Duration::from_secs(60);

/// Some proxies end what is quiet for longer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// The event for a part that has changed, and the one after which the page is to be loaded again.
const PART: &str = "part";
const RELOAD: &str = "reload";

pub async fn of_overview(Extension(visit): Extension<Visit>) -> Response {
    Feed::open(visit, Subject::Overview)
}

pub async fn of_scan(Extension(visit): Extension<Visit>, Path(id): Path<String>) -> Response {
    match find::scan(visit.host(), &id).await {
        Ok(scan) => {
            let watch = visit.host().store.watch(&scan.id);
            Feed::open(visit, Subject::Scan(scan.id.to_string(), watch))
        }
        Err(refusal) => Trouble::from(refusal).for_visitors(&visit),
    }
}

/// What a page is about.
enum Subject {
    Overview,
    Scan(String, Watch),
}

/// What one browser is told.
struct Feed {
    visit: Visit,
    subject: Subject,
    seen: HashMap<&'static str, String>,
    waiting: VecDeque<Event>,
    is_first: bool,
    has_ended: bool,
    end: Instant,
    /// Of the configuration.
    generations: watch::Receiver<u64>,
    /// Held for its drop.
    _place: OwnedSemaphorePermit,
}

impl Feed {
    fn open(visit: Visit, subject: Subject) -> Response {
        let Ok(place) = visit.site.streams.clone().try_acquire_owned() else {
            let hint = "Load the page again to see what has changed.";
            return Trouble::from(Refusal::new(ErrorCode::Unavailable, "too many people look on at once", hint))
                .for_visitors(&visit);
        };
        let feed = Self {
            generations: visit.host().reloads.generations(),
            visit,
            subject,
            seen: HashMap::new(),
            waiting: VecDeque::new(),
            is_first: true,
            has_ended: false,
            end: Instant::now() + LIFE,
            _place: place,
        };
        let events = stream::unfold(feed, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok::<_, Infallible>(event), feed))
        });
        Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)).into_response()
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let shutdown = self.visit.host().shutdown.clone();
            if self.has_ended || shutdown.is_cancelled() || Instant::now() >= self.end {
                return None;
            }
            if !std::mem::replace(&mut self.is_first, false) {
                let mut generations = self.generations.clone();
                tokio::select! {
                    () = self.changed() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    // Who may look, and do what, may be another now.
                    _ = generations.changed() => return None,
                    () = shutdown.cancelled() => return None,
                }
            }
            self.look().await;
        }
    }

    async fn changed(&self) {
        match &self.subject {
            Subject::Overview => std::future::pending().await,
            Subject::Scan(_, watch) => watch.changed().await,
        }
    }

    async fn look(&mut self) {
        let looked = match &self.subject {
            Subject::Overview => overview::parts(&self.visit).await.map(|parts| (parts, false)),
            Subject::Scan(id, _) => scan::parts(&self.visit, id).await,
        };
        match looked {
            Ok((parts, has_ended)) => {
                for part in parts {
                    self.tell(part);
                }
                self.has_ended = has_ended;
            }
            // It was deleted, which the page says once it is loaded again.
            Err(Trouble::Refused(refusal)) if refusal.code == ErrorCode::NotFound => self.has_ended = true,
            // A store that cannot be read says nothing of what is in it.
            Err(_) => {}
        }
        if self.has_ended {
            self.waiting.push_back(Event::default().event(RELOAD).data("ended"));
        }
    }

    fn tell(&mut self, (name, part): Part) {
        let html = super::escape::checked(part);
        if self.seen.get(name) != Some(&html) {
            self.waiting.push_back(Event::default().event(PART).data(&html));
            self.seen.insert(name, html);
        }
    }
}
