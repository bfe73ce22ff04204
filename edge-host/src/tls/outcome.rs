//! How a connection to a TLS port began.

/// The end of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The client speaks TLS now.
    Done,
    /// The client left without a byte, as a probe of the port does.
    Left,
    /// The two could not agree, or the client left meanwhile.
    Failed,
    /// The client spoke plain HTTP.
    Plain,
    /// The client was too slow.
    Slow,
    /// Too many handshakes began after this one.
    Crowded,
}

impl Outcome {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::Done, Self::Left, Self::Failed, Self::Plain, Self::Slow, Self::Crowded];

    /// The word in the metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Left => "left",
            Self::Failed => "failed",
            Self::Plain => "plain",
            Self::Slow => "slow",
            Self::Crowded => "crowded",
        }
    }
}
