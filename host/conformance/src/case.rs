//! One claim about a plugin, and its outcome.

use futures_util::future::LocalBoxFuture;

/// One claim about a plugin.
pub struct Case<R> {
    pub name: &'static str,
    /// Why it matters, for an author whose plugin fails it.
    pub why: &'static str,
    pub(crate) run: for<'a> fn(&'a R) -> LocalBoxFuture<'a, Outcome>,
}

/// How a case ends early.
pub enum Stop {
    /// The case does not apply, for this reason.
    Skip(String),
    /// The claim is wrong, and this was observed instead.
    Fail(String),
}

pub type Outcome = Result<(), Stop>;

/// A case from an async function that takes the rig.
macro_rules! case {
    ($name:literal, $run:path, $why:literal) => {
        $crate::case::Case { name: $name, why: $why, run: |rig| Box::pin($run(rig)) }
    };
}
pub(crate) use case;

pub fn skip<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skip(why.into()))
}

pub fn fail<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(what.into()))
}
