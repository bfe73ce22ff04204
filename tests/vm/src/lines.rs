//! The lines of the guest's program that the test outside of the machine looks at. The test prints
//! all lines.

/// The last line of a guest whose stories all passed.
pub const PASS: &str = "PASS";
/// Begins a line with the card's answer to request `n`: `ANSWER n JSON`.
pub const ANSWER: &str = "ANSWER ";
