//! The trace that a request belongs to: the headers of W3C Trace Context, level 1.

use hyper::HeaderMap;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
/// Longest `tracestate` that is passed on, in bytes.
const LONGEST_STATE: usize = 512;
/// Bytes of a `traceparent` of version 0.
const LENGTH: usize = 55;

/// The span of another program in which the request was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    /// Whether the other program records the trace.
    pub(super) sampled: bool,
    /// What other tools note in the trace.
    pub(super) state: String,
}

impl Parent {
    /// The parent that the headers name; `None` if they name none, or not as they should.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(PARENT).iter();
        let value = values.next().filter(|_| values.next().is_none())?.as_bytes();
        // A later version may have more behind a further dash.
        let known = value.len() == LENGTH || (value.get(LENGTH) == Some(&b'-') && &value[..2] != b"00");
        let dashes = [2, 35, 52].iter().all(|&place| value.get(place) == Some(&b'-'));
        if !known || !dashes || &value[..2] == b"ff" {
            return None;
        }
        let (_version, [flags]) = (hex::<1>(&value[..2])?, hex(&value[53..55])?);
        let (trace, span) = (hex(&value[3..35])?, hex(&value[36..52])?);
        if trace == [0; 16] || span == [0; 8] {
            return None;
        }
        Some(Self { trace, span, sampled: flags & 1 == 1, state: state(headers) })
    }
}

fn state(headers: &HeaderMap) -> String {
    let values: Option<Vec<&str>> = headers.get_all(STATE).iter().map(|value| value.to_str().ok()).collect();
    values.map(|values| values.join(",")).filter(|state| state.len() <= LONGEST_STATE).unwrap_or_default()
}

/// Reads small hexadecimal digits.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(*pair.get(1)?)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(values: &[(&'static str, &str)]) -> Option<Parent> {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(*name, value.parse().unwrap());
        }
        Parent::of(&headers)
    }

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_parent_has_a_trace_a_span_and_flags() {
        let parent = of(&[("traceparent", GOOD), ("tracestate", "a=1"), ("tracestate", "b=2")]).unwrap();
        assert_eq!(parent.trace[..2], [0x0a, 0xf7]);
        assert_eq!(parent.span, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
        assert_eq!((parent.sampled, parent.state.as_str()), (true, "a=1,b=2"));
        assert!(!of(&[("traceparent", &GOOD.replace("-01", "-00"))]).unwrap().sampled);
        assert!(of(&[("traceparent", &GOOD.replace("-01", "-ff"))]).unwrap().sampled);
        let later = format!("cc{}-what-comes", &GOOD[2..]);
        assert_eq!(of(&[("traceparent", &later)]).unwrap().trace, parent.trace);
        let long = of(&[("traceparent", GOOD), ("tracestate", &"x".repeat(513))]).unwrap();
        assert_eq!(long.state, "");
    }

    #[test]
    fn what_is_no_parent_begins_a_trace() {
        for value in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-more"),
            &format!("cc{}more", &GOOD[2..]),
            &GOOD.replace("00-", "ff-"),
            &GOOD.replace("00-", "0g-"),
            &GOOD.replace("0af7", "0AF7"),
            &GOOD.replace('-', "_"),
            &GOOD.replace("b7ad6b7169203331", "0000000000000000"),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        ] {
            assert_eq!(of(&[("traceparent", value)]), None, "{value}");
        }
        assert_eq!(of(&[("traceparent", GOOD), ("traceparent", GOOD)]), None, "which one?");
        assert_eq!(of(&[("tracestate", "a=1")]), None);
    }
}
