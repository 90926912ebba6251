//! The table at the end, and the numbers in it.

use std::{fmt, time::Duration};

pub struct Table {
    /// Not where this only has to work.
    judges: bool,
    rows: Vec<[String; 4]>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// Only for comparison.
    None,
}

/// A number and what it counts.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    value: f64,
    unit: &'static str,
}

impl Table {
    pub fn new(judges: bool) -> Self {
        Self { judges, rows: Vec::new() }
    }

    /// What was measured, what came out, what it should be, and what else is worth knowing.
    pub fn row(&mut self, what: impl Into<String>, figure: Figure, bar: Bar, more: impl Into<String>) {
        let (sign, limit, is_met) = match bar {
            Bar::AtLeast(least) => ("≥ ", Some(least), figure.value >= least),
            Bar::AtMost(most) => ("≤ ", Some(most), figure.value <= most),
            Bar::None => ("", None, true),
        };
        let is_met = is_met || !self.judges;
        let limit = limit.map(|value| format!("{sign}{}", Figure { value, ..figure })).unwrap_or_default();
        let verdict = if is_met { limit } else { format!("**missed:** {limit}") };
        let row = [what.into(), figure.to_string(), verdict, more.into()];
        // It may take long until the end.
        eprintln!("{}", row.join("  |  "));
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n| what | figure | bar | more |\n|---|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

impl Figure {
    pub fn new(value: f64, unit: &'static str) -> Self {
        Self { value, unit }
    }

    /// Of two that are measured alike.
    pub fn ratio(one: Duration, other: Duration) -> Self {
        Self::new(one.as_secs_f64() / other.as_secs_f64(), "×")
    }

    pub fn milliseconds(time: Duration) -> Self {
        Self::new(time.as_secs_f64() * 1e3, "ms")
    }

    pub fn megabytes_a_second(bytes: u64, time: Duration) -> Self {
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

/// The value of which so large a part is smaller; 0.5 is the median. There has to be one.
pub fn quantile<T: PartialOrd + Copy>(values: &mut [T], part: f64) -> T {
    values.sort_unstable_by(|a, b| a.partial_cmp(b).expect("figures are numbers"));
    let place = (values.len() as f64 * part) as usize;
    values[place.min(values.len() - 1)]
}

pub fn median<T: PartialOrd + Copy>(values: &mut [T]) -> T {
    quantile(values, 0.5)
}

/// Median and p99, in words.
pub fn spread(times: &mut [Duration]) -> String {
    let (half, most) = (median(times), quantile(times, 0.99));
    format!("p50 {}, p99 {}", Figure::milliseconds(half), Figure::milliseconds(most))
}
