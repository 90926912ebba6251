//! Hosts and Redis are killed and paused at the worst moments: no acknowledged scan may be lost, and none may be
//! launched twice.

mod crash_points;
mod environment;
mod fleet;
mod poison;
mod random;
mod redis_outage;
mod storm;
