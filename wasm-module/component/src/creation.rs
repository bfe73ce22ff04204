//! Who makes the record of a new user.
//!
//! A swap of Spin's own store (SQLite) over a missing record always writes, also if another
//! instance has made the record meanwhile. Then the other instance's events would be lost. So only
//! one instance may make a record: the one whose increment of the user's counter gives 1. The
//! others wait until the record is there, and then swap.
//!
//! If the maker dies before it has made the record, the waiting instances go on counting, and the
//! next maker is the one who gets 4,097. A user who is deleted loses the counter first.

use crate::{
    keys,
    keyvalue::{Bucket, Error, increment},
};

/// The counts after which another instance may make the record.
const COUNTS: i64 = 4096;

fn key(id: &str) -> String {
    keys::key("new-user", id)
}

/// Whether the caller shall make the user's record, which is missing.
pub(crate) fn is_mine(bucket: &Bucket, id: &str) -> Result<bool, Error> {
    Ok(increment(bucket, &key(id), 1)? % COUNTS == 1)
}

/// Lets the next caller of [`is_mine`] make the record.
pub(crate) fn give_back(bucket: &Bucket, id: &str) -> Result<(), Error> {
    bucket.delete(&key(id))
}
