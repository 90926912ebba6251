//! Wake-ups for those who wait for a change of one scan. They carry no data: whoever wakes reads the store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use scanhost_domain::ids::TaskId;
use tokio::sync::Notify;

/// The watchers of each scan.
#[derive(Clone, Default)]
pub struct Watchers(Arc<Mutex<HashMap<TaskId, Weak<Notify>>>>);

/// Waits for changes of one scan. A change between making the watch and waiting is not missed.
pub struct Watch {
    notify: Arc<Notify>,
    id: TaskId,
    watchers: Watchers,
}

impl Watchers {
    pub fn watch(&self, id: &TaskId) -> Watch {
        let mut watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let present = watchers.get(id).and_then(Weak::upgrade);
        let notify = present.unwrap_or_else(|| {
            let notify = Arc::new(Notify::new());
            watchers.insert(id.clone(), Arc::downgrade(&notify));
            notify
        });
        Watch { notify, id: id.clone(), watchers: self.clone() }
    }

    pub fn changed(&self, id: &TaskId) {
        let watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = watchers.get(id).and_then(Weak::upgrade) {
            notify.notify_waiters();
        }
    }

    /// Wakes everyone, for when changes of unknown scans may have been missed.
    pub fn all_changed(&self) {
        let watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.values().filter_map(Weak::upgrade).for_each(|notify| notify.notify_waiters());
    }
}

impl Watch {
    /// A future that is ready after the next change. Make it before reading the store, and await it after.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The last one takes the entry with it.
        if Arc::strong_count(&self.notify) == 1 {
            watchers.remove(&self.id);
        }
    }
}
