//! Two mappings of one file, like those of two processes.
#![allow(clippy::unwrap_used)]

use std::io::Write;
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

/// Files as virtual machines give them: in memory, sealed and not, in a folder, of huge pages.
fn files() -> Vec<(&'static str, OwnedFd)> {
    let memory = |flags| rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC | flags).unwrap();
    let sealed = memory(MemfdFlags::ALLOW_SEALING);
    rustix::fs::ftruncate(&sealed, 8192).unwrap();
    rustix::fs::fcntl_add_seals(&sealed, SealFlags::GROW).unwrap();
    let mut files = vec![("sealed against growth", sealed), ("not sealed", memory(MemfdFlags::empty()))];
    for folder in ["/dev/shm".into(), std::env::temp_dir()] {
        let path = folder.join(format!("lockstep-memory-{}", std::process::id()));
        let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        files.push(("in a folder", file.into()));
    }
    files
}

/// A client may cut the file of its memory at any time. The accesses then fail; nobody is killed.
#[test]
fn a_file_may_shrink() {
    for (kind, file) in files() {
        rustix::fs::ftruncate(&file, 8192).unwrap();
        let memory = SharedMemory::map(file.try_clone().unwrap(), true).unwrap();
        memory.write(4090, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        memory.store(8188, 7, Ordering::Release).unwrap();
        let mut bytes = [0; 8];
        rustix::io::pread(&file, &mut bytes, 4090).unwrap();
        assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 7, 8], "{kind}");
        assert_eq!(memory.load(8188, Ordering::Acquire), Ok(7), "{kind}");

        rustix::fs::ftruncate(&file, 4096).unwrap();
        let gone = |offset, len| Err(OutOfRange { offset, len, size: 8192 });
        assert_eq!(memory.read(4090, &mut bytes), gone(4090, 8), "{kind}");
        assert_eq!(memory.write(4090, &bytes), gone(4090, 8), "{kind}");
        assert_eq!(memory.store(8188, 7, Ordering::Release), gone(8188, 4), "{kind}");
        assert_eq!(memory.load(8188, Ordering::Acquire).unwrap_err().offset, 8188, "{kind}");
        assert_eq!(memory.read(4088, &mut bytes), Ok(()), "{kind}");
        assert_eq!(bytes, [0, 0, 1, 2, 3, 4, 5, 6], "{kind}");
    }
}

#[test]
fn what_cannot_be_mapped() {
    let plain = std::fs::File::open("/dev/null").unwrap();
    let message = SharedMemory::map(plain.into(), false).unwrap_err().to_string();
    assert_eq!(message, "a file of 0 bytes cannot be mapped");
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
/// shrink.
#[test]
fn huge_pages_may_vanish() {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
    let file = rustix::fs::memfd_create("huge", flags).unwrap();
    rustix::fs::ftruncate(&file, 2 << 20).unwrap();
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
    let memory = match SharedMemory::map(file.try_clone().unwrap(), true) {
        Ok(memory) => memory,
        Err(error) => return skipped("huge_pages_may_vanish", &format!("no free huge page: {error}")),
    };
    memory.write(4090, &[1; 8]).unwrap();
    let mut bytes = [0; 8];
    memory.read(4090, &mut bytes).unwrap();
    assert_eq!(bytes, [1; 8]);
    let hole = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, hole, 0, 2 << 20).unwrap();
    memory.read(4090, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 8]);
}

/// Says that a test did not run, and adds it to the list that `make test` counts in its last line.
fn skipped(test: &str, reason: &str) {
    eprintln!("skipped: {test}: {reason}");
    if let Some(list) = std::env::var_os("LOCKSTEP_SKIPPED") {
        let mut list = std::fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "{test}: {reason}").unwrap();
    }
}
