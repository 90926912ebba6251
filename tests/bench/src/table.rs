//! The table of results, and the figures in it.

use std::{fmt, time::Duration};

pub struct Table {
    /// False in a smoke test, whose figures mean nothing.
    checks_targets: bool,
    rows: Vec<[String; 4]>,
}

/// The value that a figure should reach.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// The figure is shown only for comparison.
    None,
}

/// A number with its unit.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    value: f64,
    unit: &'static str,
}

impl Table {
    pub fn new(checks_targets: bool) -> Self {
        Self { checks_targets, rows: Vec::new() }
    }

    pub fn row(&mut self, measurement: impl Into<String>, figure: Figure, target: Target, details: impl Into<String>) {
        let (sign, limit, is_met) = match target {
            Target::AtLeast(least) => ("≥ ", Some(least), figure.value >= least),
            Target::AtMost(most) => ("≤ ", Some(most), figure.value <= most),
            Target::None => ("", None, true),
        };
        let is_met = is_met || !self.checks_targets;
        let limit = limit.map(|value| format!("{sign}{}", Figure { value, ..figure })).unwrap_or_default();
        let verdict = if is_met { limit } else { format!("**missed:** {limit}") };
        let row = [measurement.into(), figure.to_string(), verdict, details.into()];
        // The whole table is printed only at the end, which may be long after this.
        eprintln!("{}", row.join("  |  "));
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n| measurement | result | target | details |\n|---|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

impl Figure {
    pub fn new(value: f64, unit: &'static str) -> Self {
        Self { value, unit }
    }

    pub fn ratio(one: Duration, other: Duration) -> Self {
        Self::new(one.as_secs_f64() / other.as_secs_f64(), "×")
    }

    pub fn milliseconds(time: Duration) -> Self {
        Self::new(time.as_secs_f64() * 1e3, "ms")
    }

    pub fn megabytes_per_second(bytes: u64, time: Duration) -> Self {
        Self::new(bytes as f64 / 1e6 / time.as_secs_f64(), "MB/s")
    }

    pub fn mebibytes(bytes: u64) -> Self {
        Self::new(bytes as f64 / f64::from(1 << 20), "MiB")
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, unit } = self;
        let digits = if *value < 9.995 { 2 } else { usize::from(*value < 99.95) };
        write!(f, "{value:.digits$} {unit}")
    }
}

/// Returns the value below which this share of the values lies: 0.5 gives the median.
///
/// # Panics
/// Panics if there are no values.
pub fn quantile<T: PartialOrd + Copy>(values: &mut [T], share: f64) -> T {
    values.sort_unstable_by(|a, b| a.partial_cmp(b).expect("figures are numbers"));
    let index = (values.len() as f64 * share) as usize;
    values[index.min(values.len() - 1)]
}

pub fn median<T: PartialOrd + Copy>(values: &mut [T]) -> T {
    quantile(values, 0.5)
}

/// The text "p50 …, p99 …" for these times.
pub fn percentiles(times: &mut [Duration]) -> String {
    let (median, p99) = (median(times), quantile(times, 0.99));
    format!("p50 {}, p99 {}", Figure::milliseconds(median), Figure::milliseconds(p99))
}
