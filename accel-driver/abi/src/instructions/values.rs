//! Codes that stand in the fields of instructions.

codes! {
    /// The unit that executes an instruction. Each has a queue of its own.
    pub enum Unit {
        /// Streams weights from card memory into the ring.
        Loader = 0,
        /// Fetches token ids from the host and word rows from card memory.
        Gather = 1,
        /// Steps the array, and moves parameters out of the ring.
        Array = 2,
        /// Drains the sums of the array.
        Drain = 3,
        /// Runs scalar steps, and passes over the memories V and Y.
        Pass = 4,
    }
}

codes! {
    /// When an instruction waits for a semaphore, or signals it.
    pub enum When {
        /// Waits before the first tile; signals after the last one.
        Once = 0,
        /// Waits before each inner turn of the first outer turn; signals after each inner turn of
        /// the last outer turn.
        Inner = 1,
        /// Waits before each outer turn; signals after each outer turn.
        Outer = 2,
    }
}

codes! {
    /// What the drain makes of sums of the array.
    pub enum DrainMode {
        /// (11), to 16 bits in V.
        Plain = 0,
        /// (11), then the residual sum of (12), in Y.
        Residual = 1,
        /// (11), then the activation of (28) to (30), in V.
        Activation = 2,
        /// Scores, as they are, in Y.
        Scores = 3,
        /// (25) and (27), in V.
        Context = 4,
    }
}

codes! {
    /// The scalar step before a pass: one result a lane, or one for all lanes.
    pub enum Scalar {
        /// The mean of (12), and the shift of (13).
        Mean = 0,
        /// (14) to (16): the reciprocal deviation.
        Rho = 1,
        /// (5) to (7): the scale of a row, or of a block.
        Scale = 2,
        /// (25) and (26): the scale of a context.
        Soft = 3,
        /// (20): the factor of a head.
        Head = 4,
        /// No scalar step.
        None = 7,
    }
}

codes! {
    /// What a pass does with each word.
    pub enum Kind {
        /// No pass.
        None = 0,
        /// (32): the sum of word, position and type rows, in Y.
        Embed = 1,
        /// (14): sums the squares of the deviations from the mean.
        Square = 2,
        /// (17) and (18): the stream to V, the equalised row to Y.
        Norm = 3,
        /// (8) and (9): quantised rows to A or B.
        Quantize = 4,
        /// (21) to (23): weights of the softmax to P.
        Exp = 5,
        /// (33): sums over the tokens to the host.
        Pool = 6,
    }
}

code_field!(DrainMode, "drain_mode_e", "Drain", Plain);
code_field!(Scalar, "scalar_e", "Scalar", None);
code_field!(Kind, "kind_e", "Kind", None);
