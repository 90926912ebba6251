//! Crash points, before and after each write to the store and each call to a scanner. At any of them a test can end
//! this process as by SIGKILL, in builds with debug assertions only.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// The variable that names a point, such as `store.finish.before`; `store.finish.before:3` is the third time that it is
/// reached.
const VARIABLE: &str = "SCANHOST_CRASH_AT";

/// The steps that have a point before and one after them.
const STEPS: [&str; 31] = [
    "store.submit",
    "store.claim",
    "store.update.creating",
    "store.update.created",
    "store.update.launching",
    "store.update.launched",
    "store.update.exporting",
    "store.update.ingesting",
    "store.update.state",
    "store.update.retry",
    "store.progress",
    "store.finish",
    "store.release",
    "store.heartbeat",
    "store.cancel",
    "store.delete",
    "store.pause",
    "store.retry_dead_letter",
    "store.purge_dead_letters",
    "store.touch",
    "store.report_scanner",
    "scanner.find",
    "scanner.create",
    "scanner.launch",
    "scanner.status",
    "scanner.stop",
    "scanner.export",
    "scanner.parse",
    "scanner.health",
    "scanner.list",
    "scanner.remove",
];

const SIDES: [&str; 2] = ["before", "after"];

static ARMED: OnceLock<Point> = OnceLock::new();

struct Point {
    step: &'static str,
    side: &'static str,
    /// How many more times it is passed before the process ends.
    passes: AtomicU64,
}

/// Reads from the environment at which point this process ends.
///
/// # Errors
/// If there is no such point, the error lists those that exist.
pub fn arm() -> Result<(), String> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    let Ok(text) = std::env::var(VARIABLE) else { return Ok(()) };
    let point = parse(&text).ok_or_else(|| {
        let names = STEPS.iter().flat_map(|step| SIDES.map(|side| format!("{step}.{side}")));
        format!("{VARIABLE}: there is no crash point {text:?}; there are {}", names.collect::<Vec<_>>().join(", "))
    })?;
    // Read once, at the start.
    let _first = ARMED.set(point);
    Ok(())
}

fn parse(text: &str) -> Option<Point> {
    let (name, nth) = text.split_once(':').unwrap_or((text, "1"));
    let (step, side) = name.rsplit_once('.')?;
    Some(Point {
        step: STEPS.into_iter().find(|known| *known == step)?,
        side: SIDES.into_iter().find(|known| *known == side)?,
        passes: AtomicU64::new(nth.parse::<u64>().ok()?.checked_sub(1)?),
    })
}

pub fn is_armed() -> bool {
    ARMED.get().is_some()
}

/// Runs the step, and ends the process before or after it if that point is armed.
pub async fn around<T>(step: &str, work: impl Future<Output = T>) -> T {
    reach(step, "before");
    let value = work.await;
    reach(step, "after");
    value
}

/// Ends the process if this point is armed.
pub fn reach(step: &str, side: &str) {
    debug_assert!(STEPS.contains(&step), "{step} is missing in STEPS");
    let Some(point) = ARMED.get() else { return };
    let is_here = point.step == step && point.side == side;
    if is_here && point.passes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
        eprintln!("crash point {step}.{side}");
        std::process::abort();
    }
}
