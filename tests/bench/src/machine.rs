//! A description of the machine on which the benchmarks run.

use std::{fs, thread};

pub fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    format!(
        "{cores} cores of {}, {} memory, Linux {}, {profile} build\n{}",
        value("/proc/cpuinfo", "model name"),
        value("/proc/meminfo", "MemTotal"),
        read("/proc/sys/kernel/osrelease").trim(),
        load(),
    )
}

/// The load averages of the machine, which include this program.
pub fn load() -> String {
    let load = read("/proc/loadavg");
    let averages: Vec<&str> = load.split(' ').take(3).collect();
    format!("load {}", averages.join(" "))
}

fn value(file: &str, key: &str) -> String {
    let text = read(file);
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default()
}
