//! Memory of one process, without a second mapping. Miri runs these tests, too (`make miri`).
#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use lockstep_accel_memory::SharedMemory;

const SIZE: usize = 64;

/// Every place and every length: the bytes are read back, and no other byte changes.
#[test]
fn bytes_of_every_alignment() {
    let memory = SharedMemory::create("test", SIZE).unwrap();
    for at in 0..18 {
        for len in 0..27 {
            memory.write(0, &[7; SIZE]).unwrap();
            let bytes: Vec<u8> = (100..100 + len).collect();
            memory.write(at, &bytes).unwrap();
            let mut all = [0; SIZE];
            memory.read(0, &mut all).unwrap();
            let mut expected = [7; SIZE];
            expected[at as usize..][..bytes.len()].copy_from_slice(&bytes);
            assert_eq!(all, expected, "{len} bytes at {at}");
            let mut part = vec![0; bytes.len()];
            memory.read(at, &mut part).unwrap();
            assert_eq!(part, bytes);
        }
    }
    assert!(
        memory.write(SIZE as u64 - 1, &[0; 2]).is_err()
            && memory.load(SIZE as u64, Ordering::Relaxed).is_err()
    );
    assert!(memory.address().is_multiple_of(8));
}

/// A word that is stored with release ordering, behind bytes that belong to it.
#[test]
fn a_thread_that_sees_the_word_sees_the_bytes() {
    let memory = SharedMemory::create("test", SIZE).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            memory.write(3, &[9; 21]).unwrap();
            memory.store(32, 1, Ordering::Release).unwrap();
        });
        while memory.load(32, Ordering::Acquire).unwrap() == 0 {
            std::thread::yield_now();
        }
        let mut bytes = [0; 21];
        memory.read(3, &mut bytes).unwrap();
        assert_eq!(bytes, [9; 21]);
    });
}
