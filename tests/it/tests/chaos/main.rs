//! Kills where they hurt most: whatever dies, and whenever, no acknowledged scan is lost and none is launched twice.

mod dice;
mod fleet;
mod points;
mod redis_away;
mod storm;
mod world;
