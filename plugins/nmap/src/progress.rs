//! The progress of nmap, from the lines about its tasks that it writes into its report while it runs.

use serde::{Deserialize, Serialize};

/// How many bytes are read at once.
const PIECE: u32 = 1 << 20;
const MAX_PIECES: u32 = 4;

/// Where the next read begins, and the progress so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The offset in nmap's output, in bytes.
    pub offset: u64,
    /// The progress in percent. It never decreases.
    pub percent: u8,
    stage: Stage,
}

/// The stages of a scan, which nmap goes through for each group of hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Stage {
    #[default]
    Hosts,
    Ports,
    Services,
    Scripts,
}

impl Stage {
    fn of(task: &str) -> Option<Self> {
        if task.contains("Ping") || task.contains("DNS") {
            Some(Self::Hosts)
        } else if task == "Service scan" {
            Some(Self::Services)
        } else if task == "NSE" {
            Some(Self::Scripts)
        } else if task.ends_with("Scan") {
            Some(Self::Ports)
        } else {
            None
        }
    }

    /// The stage's range in the overall progress, in percent. The real shares are unknown; progress only has to grow.
    fn range(self) -> (f64, f64) {
        match self {
            Self::Hosts => (0.0, 5.0),
            Self::Ports => (5.0, 40.0),
            Self::Services => (40.0, 75.0),
            Self::Scripts => (75.0, 99.0),
        }
    }
}

impl Progress {
    /// Reads the output from where the last read ended. `read` returns the bytes from an offset on.
    pub fn follow(mut self, mut read: impl FnMut(u64, u32) -> Result<Vec<u8>, String>) -> Result<Self, String> {
        for _ in 0..MAX_PIECES {
            let piece = read(self.offset, PIECE)?;
            let Some(end) = piece.iter().rposition(|byte| *byte == b'\n') else {
                // A line longer than a piece is not about a task.
                if piece.len() < PIECE as usize {
                    break;
                }
                self.offset += u64::from(PIECE);
                continue;
            };
            piece[..end].split(|byte| *byte == b'\n').for_each(|line| self.read_line(line));
            self.offset += end as u64 + 1;
            if piece.len() < PIECE as usize {
                break;
            }
        }
        Ok(self)
    }

    fn read_line(&mut self, line: &[u8]) {
        let line = std::str::from_utf8(line).ok().map(str::trim);
        let Some(attributes) = line.and_then(|line| line.strip_prefix("<taskprogress ")) else { return };
        let Some(stage) = attribute(attributes, "task").and_then(Stage::of) else { return };
        let Some(done) = attribute(attributes, "percent").and_then(|percent| percent.parse::<f64>().ok()) else {
            return;
        };
        // Some scripts run before everything else.
        if stage == Stage::Scripts && self.stage < Stage::Ports {
            return;
        }
        self.stage = self.stage.max(stage);
        let (start, end) = stage.range();
        let percent = start + (end - start) * done.clamp(0.0, 100.0) / 100.0;
        self.percent = self.percent.max(percent as u8);
    }
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let start = attributes.find(&format!("{name}=\""))? + name.len() + 2;
    attributes[start..].split('"').next()
}

#[cfg(test)]
mod tests;
