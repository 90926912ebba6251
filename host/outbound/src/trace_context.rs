//! Trace ids between processes, as defined in <https://www.w3.org/TR/trace-context/#traceparent-header>.

use scanhost_domain::ids::TraceId;
use sha2::{Digest as _, Sha256};

/// The trace id of a `traceparent`; none if it is not valid.
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let parts: Vec<&str> = traceparent.split('-').collect();
    let (version, trace, parent, flags) = match parts[..] {
        [version, trace, parent, flags] => (version, trace, parent, flags),
        // A later version may have more parts.
        [version, trace, parent, flags, ..] if version != "00" => (version, trace, parent, flags),
        _ => return None,
    };
    let is_valid = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_hex(parent, 16)
        && is_hex(flags, 2)
        && [trace, parent].into_iter().all(|id| id.bytes().any(|b| b != b'0'));
    is_valid.then_some(trace)
}

/// A `traceparent` with a new span of this trace, for a request to another process.
pub fn traceparent(trace: &TraceId) -> String {
    let digits = trace.as_str().replace('-', "").to_ascii_lowercase();
    let number = u128::from_str_radix(&digits, 16).ok().filter(|number| digits.len() <= 32 && *number > 0);
    // A trace id that is not hexadecimal becomes a number, the same each time.
    let number = number.unwrap_or_else(|| {
        let digest = Sha256::digest(trace.as_str());
        digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte)).max(1)
    });
    let span = rand::random::<u64>().max(1);
    format!("00-{number:032x}-{span:016x}-01")
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{trace_id, traceparent};

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn only_valid_traceparents_are_accepted() {
        let parent = "00f067aa0ba902b7";
        for (text, is_accepted) in [
            (format!("00-{TRACE}-{parent}-01"), true),
            (format!("00-{TRACE}-{parent}-01-more"), false),
            (format!("cc-{TRACE}-{parent}-01-more"), true),
            (format!("ff-{TRACE}-{parent}-01"), false),
            (format!("0-{TRACE}-{parent}-01"), false),
            (format!("00-{}-{parent}-01", TRACE.to_uppercase()), false),
            (format!("00-{}-{parent}-01", "0".repeat(32)), false),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), false),
            (format!("00-{TRACE}-{parent}"), false),
            (format!("00-{TRACE}-{parent}-1"), false),
            (String::new(), false),
        ] {
            assert_eq!(trace_id(&text), is_accepted.then_some(TRACE), "{text}");
        }
    }

    #[test]
    fn every_trace_id_becomes_a_valid_traceparent() {
        let seen = |trace: &str| {
            let parent = traceparent(&trace.parse().expect("a trace id"));
            trace_id(&parent).expect("others accept it").to_owned()
        };
        assert_eq!(seen(TRACE), TRACE);
        assert_eq!(seen("4BF92F35-77b3-4da6-a3ce-929d0e0e4736"), TRACE);
        assert_eq!(seen("a3ce929d0e0e4736"), format!("{:0>32}", "a3ce929d0e0e4736"));
        for name in ["my-trace_1", "0000000000000000", "0", &"f".repeat(33), &"x".repeat(128)] {
            assert_eq!(seen(name), seen(name), "{name}");
        }
        assert_ne!(seen("my-trace_1"), seen("my-trace_2"));
    }
}
