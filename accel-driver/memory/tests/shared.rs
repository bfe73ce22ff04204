//! Two mappings of one file, like those of two processes.
#![allow(clippy::unwrap_used)]

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

use lockstep_accel_memory::{OutOfRange, SharedMemory};
use proptest::prelude::*;
use rustix::fs::{MemfdFlags, SealFlags};

const SIZE: usize = 5000;

fn pair() -> (SharedMemory, SharedMemory) {
    let ours = SharedMemory::create("test", SIZE).unwrap();
    let theirs = SharedMemory::map(ours.file().unwrap().into(), true).unwrap();
    (ours, theirs)
}

proptest! {
    /// One side writes bytes at any alignment. The other side reads the same bytes, and all other
    /// bytes keep their values.
    #[test]
    fn bytes_arrive(at in 0..SIZE, bytes in prop::collection::vec(any::<u8>(), 0..100), fill in any::<u8>()) {
        let (ours, theirs) = pair();
        let bytes = &bytes[..bytes.len().min(SIZE - at)];
        ours.write(0, &vec![fill; SIZE]).unwrap();
        ours.write(at as u64, bytes).unwrap();
        let mut all = vec![0; SIZE];
        theirs.read(0, &mut all).unwrap();
        let mut expected = vec![fill; SIZE];
        expected[at..at + bytes.len()].copy_from_slice(bytes);
        prop_assert_eq!(&all, &expected);
        let mut part = vec![0; bytes.len()];
        theirs.read(at as u64, &mut part).unwrap();
        prop_assert_eq!(&part, bytes);
    }
}

#[test]
fn words_are_little_endian_bytes() {
    let (ours, theirs) = pair();
    ours.store(8, 0x0403_0201, Ordering::Release).unwrap();
    assert_eq!(theirs.load(8, Ordering::Acquire), Ok(0x0403_0201));
    let mut bytes = [0; 4];
    theirs.read(8, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 2, 3, 4]);
}

#[test]
fn ranges_outside_are_refused() {
    let (ours, _) = pair();
    let refused = |offset, len| Err(OutOfRange { offset, len, size: SIZE });
    assert_eq!(ours.read(4999, &mut [0; 2]), refused(4999, 2));
    assert_eq!(ours.write(u64::MAX, &[0]), refused(u64::MAX, 1));
    assert_eq!(ours.load(4998, Ordering::Relaxed).unwrap_err().offset, 4998);
    assert_eq!(ours.read(5000, &mut []), Ok(()));
    assert_eq!(
        refused(4999, 2).unwrap_err().to_string(),
        "2 bytes at 0x1387 do not lie in a memory of 5000 bytes"
    );
}

#[test]
fn a_file_that_may_shrink_is_refused() {
    let file: OwnedFd =
        rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&file, 4096).unwrap();
    let message = SharedMemory::map(file.try_clone().unwrap(), true).unwrap_err().to_string();
    assert!(message.contains("may shrink"), "{message}");
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    assert_eq!(SharedMemory::map(file, true).unwrap().size(), 4096);

    let plain = std::fs::File::open("/dev/null").unwrap();
    let message = SharedMemory::map(plain.into(), false).unwrap_err().to_string();
    assert!(message.contains("seals"), "{message}");
    assert!(SharedMemory::create("test", 0).is_err());
}

#[test]
#[should_panic(expected = "reading only")]
fn what_is_mapped_for_reading_is_not_written() {
    let (ours, _) = pair();
    let theirs = SharedMemory::map(ours.file().unwrap().into(), false).unwrap();
    let _ = theirs.write(0, &[1]);
}

/// The owner of huge pages can take them away from under a mapping, although the file cannot
/// shrink. An access would then kill this process.
#[test]
fn huge_pages_are_refused() {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
    let file = rustix::fs::memfd_create("huge", flags).unwrap();
    rustix::fs::ftruncate(&file, 2 << 20).unwrap();
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    let refused = SharedMemory::map(file, true).unwrap_err().to_string();
    assert!(refused.contains("huge pages"), "{refused}");
}
