//! What would take too long to count in the tables: the places of waiting scans, and the numbers of dead letters.
//! The writer updates it together with the tables, and rebuilds it from them when the database is opened.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Shared by the writer and all readers. A reader may see a step a moment before it is durable.
#[derive(Clone, Default)]
pub struct Index(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// The sequences of the waiting scans in order, by pool.
    waiting: HashMap<String, VecDeque<u64>>,
    letters: HashMap<String, u64>,
}

impl Index {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn clear(&self) {
        *self.lock() = Counts::default();
    }

    pub fn enqueue(&self, pool: &str, sequence: u64) {
        let mut counts = self.lock();
        let waiting = counts.waiting.entry(pool.to_owned()).or_default();
        // A new scan is the last, since sequences grow.
        let place = waiting.partition_point(|other| *other < sequence);
        waiting.insert(place, sequence);
    }

    pub fn dequeue(&self, pool: &str, sequence: u64) {
        let mut counts = self.lock();
        let Some(waiting) = counts.waiting.get_mut(pool) else { return };
        if let Ok(place) = waiting.binary_search(&sequence) {
            waiting.remove(place);
        }
        if waiting.is_empty() {
            counts.waiting.remove(pool);
        }
    }

    pub fn depth(&self, pool: &str) -> u64 {
        self.lock().waiting.get(pool).map_or(0, |waiting| count(waiting.len()))
    }

    /// The place in the queue, from 1; `None` if the scan does not wait.
    pub fn position(&self, pool: &str, sequence: u64) -> Option<u64> {
        let counts = self.lock();
        let place = counts.waiting.get(pool)?.binary_search(&sequence).ok()?;
        Some(count(place) + 1)
    }

    pub fn add_letter(&self, pool: &str) {
        *self.lock().letters.entry(pool.to_owned()).or_default() += 1;
    }

    pub fn take_letter(&self, pool: &str) {
        if let Some(letters) = self.lock().letters.get_mut(pool) {
            *letters = letters.saturating_sub(1);
        }
    }

    pub fn letters(&self, pool: &str) -> u64 {
        self.lock().letters.get(pool).copied().unwrap_or(0)
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
