//! Loops that turn seldom.
//!
//! An engine that may have to interrupt a module, as Spin's does, looks at the clock in each turn
//! of a loop. For that it puts the values of the loop into memory, which takes longer than to
//! multiply a line.

/// A `for` loop whose machine code handles up to eight items in each turn.
///
/// After each item it may end. Without these ends, an engine would load the operands of all eight
/// items before it multiplies any, and has too few registers for them.
macro_rules! each {
    ($item:pat in $items:expr => $body:block) => {{
        let mut items = $items;
        loop {
            each!(@once items, $item, $body);
            each!(@once items, $item, $body);
            each!(@once items, $item, $body);
            each!(@once items, $item, $body);
            each!(@once items, $item, $body);
            each!(@once items, $item, $body);
            each!(@once items, $item, $body);
            each!(@once items, $item, $body);
        }
    }};
    (@once $items:ident, $item:pat, $body:block) => {
        let Some($item) = $items.next() else { break };
        $body
    };
}

pub(super) use each;
