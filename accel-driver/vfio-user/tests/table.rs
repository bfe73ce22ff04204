//! The table of maps, compared with a model that keeps every page by itself.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{DmaFault, DmaTable, Errno};
use proptest::prelude::*;

/// The model has few pages, so that maps often overlap.
const PAGES: u64 = 24;
const PAGE: u64 = 16;

#[derive(Clone, Debug)]
enum Step {
    Map { page: u64, pages: u64, offset: u64, writable: bool },
    Unmap { page: u64, pages: u64 },
    Write { at: u64, bytes: Vec<u8> },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..PAGES, 1..6_u64, 0..20_u64, any::<bool>())
            .prop_map(|(page, pages, offset, writable)| Step::Map { page, pages, offset, writable }),
        (0..PAGES, 1..8_u64).prop_map(|(page, pages)| Step::Unmap { page, pages }),
        (0..PAGES * PAGE, prop::collection::vec(any::<u8>(), 1..70))
            .prop_map(|(at, bytes)| Step::Write { at, bytes }),
    ]
}

proptest! {
    #[test]
    fn any_maps_and_unmaps(base in prop_oneof![Just(0), Just(1_u64 << 40), Just(u64::MAX - PAGES * PAGE + 1)], steps in prop::collection::vec(step(), 1..40)) {
        let file = SharedMemory::create("test", 26 * PAGE as usize).unwrap();
        let mut contents = vec![0_u8; file.size()];
        let mut table = DmaTable::default();
        // For each mapped page: its page in the file, and whether it can be written.
        let mut model: BTreeMap<u64, (u64, bool)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Map { page, pages, offset, writable } => {
                    let beyond = page + pages > PAGES;
                    let taken = (page..page + pages).any(|p| model.contains_key(&p));
                    let result = table.map(base.wrapping_add(page * PAGE), pages * PAGE, Some(file.file().unwrap().into()), offset * PAGE, writable);
                    if base > 1 << 41 && beyond {
                        prop_assert_eq!(result, Err(Errno::INVAL));
                    } else if taken {
                        prop_assert_eq!(result, Err(Errno::EXIST));
                    } else {
                        prop_assert_eq!(result, Ok(()));
                        (0..pages).for_each(|i| { model.insert(page + i, (offset + i, writable)); });
                    }
                }
                Step::Unmap { page, pages } => {
                    let pages = pages.min(PAGES - page);
                    prop_assert_eq!(table.unmap(base + page * PAGE, pages * PAGE), Ok(()));
                    model.retain(|p, _| !(page..page + pages).contains(p));
                }
                Step::Write { at, bytes } => {
                    let bytes = &bytes[..bytes.len().min((PAGES * PAGE - at) as usize)];
                    let mut expected = Ok(());
                    for (i, byte) in bytes.iter().enumerate() {
                        let at = at + i as u64;
                        match model.get(&(at / PAGE)) {
                            Some((page, true)) => contents[(page * PAGE + at % PAGE) as usize] = *byte,
                            _ => {
                                expected = Err(DmaFault { iova: base + at });
                                break;
                            }
                        }
                    }
                    prop_assert_eq!(table.write(base + at, bytes), expected);
                }
            }
            let mut found = vec![0; contents.len()];
            file.read(0, &mut found).unwrap();
            prop_assert_eq!(&found, &contents);
            for page in 0..PAGES {
                let mut read = [0; PAGE as usize];
                match model.get(&page) {
                    Some((at, _)) => {
                        prop_assert_eq!(table.read(base + page * PAGE, &mut read), Ok(()));
                        prop_assert_eq!(&read[..], &contents[(at * PAGE) as usize..][..PAGE as usize]);
                    }
                    None => prop_assert_eq!(table.read(base + page * PAGE, &mut read), Err(DmaFault { iova: base + page * PAGE })),
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_mapped() {
    let file = SharedMemory::create("test", 8192).unwrap();
    let fd = || Some(file.file().unwrap().into());
    let mut table = DmaTable::default();
    assert_eq!(table.map(0, 0, fd(), 0, true), Err(Errno::INVAL), "no bytes");
    assert_eq!(table.map(u64::MAX, 2, fd(), 0, true), Err(Errno::INVAL), "beyond the addresses");
    assert_eq!(table.map(0, 4097, fd(), 4096, true), Err(Errno::INVAL), "beyond the file");
    assert_eq!(table.map(0, 1, fd(), u64::MAX, true), Err(Errno::INVAL), "beyond any file");
    assert_eq!(table.unmap(1, u64::MAX), Ok(()));
    assert_eq!(table.unmap(2, u64::MAX), Err(Errno::INVAL));

    // QEMU maps its ROMs without a file: the table knows the addresses, but the device cannot
    // access them.
    assert_eq!(table.map(0x1000, 4096, None, 0, false), Ok(()));
    assert_eq!(table.read(0x1000, &mut [0]), Err(DmaFault { iova: 0x1000 }));
    assert_eq!(table.map(0x1fff, 1, fd(), 0, true), Err(Errno::EXIST));
    assert_eq!(table.maps(), 1);
    // The file's offset of a map without a file means nothing, also where the map is split.
    assert_eq!(table.map(0x4000, 8192, None, u64::MAX, false), Ok(()));
    assert_eq!(table.unmap(0x4000, 4096), Ok(()));
    assert_eq!((table.maps(), table.read(0x5000, &mut [0])), (2, Err(DmaFault { iova: 0x5000 })));
    table.clear();
    for page in 0..DmaTable::MAX_MAPS as u64 {
        table.map(page * 2, 1, fd(), page % 8192, true).unwrap();
    }
    assert_eq!(table.map(1, 1, fd(), 0, true), Err(Errno::NOSPC));
    assert_eq!(table.maps(), DmaTable::MAX_MAPS);
    assert_eq!(DmaFault { iova: 16 }.to_string(), "DMA at 0x10 is not mapped for this");
}

/// A range that begins on the last page ends there, also if address 0 is mapped.
#[test]
fn no_range_goes_round_the_end_of_the_addresses() {
    let file = SharedMemory::create("test", 8192).unwrap();
    let fd = || Some(file.file().unwrap().into());
    let mut table = DmaTable::default();
    table.map(u64::MAX - PAGE + 1, PAGE, fd(), 0, true).unwrap();
    table.map(0, PAGE, fd(), PAGE, true).unwrap();
    let last = u64::MAX - 3;
    assert_eq!(table.write(last, &[1; 4]), Ok(()));
    assert_eq!(table.write(last, &[2; 5]), Err(DmaFault { iova: u64::MAX }));
    assert_eq!(table.read(last, &mut [0; 5]), Err(DmaFault { iova: u64::MAX }));
    let mut first = [9];
    assert_eq!(table.read(0, &mut first), Ok(()));
    assert_eq!(first, [0], "nothing was written to address 0");
}

/// An unmap out of the middle of a map leaves two. A full table refuses it, and changes nothing.
#[test]
fn a_full_table_splits_no_map() {
    let file = SharedMemory::create("test", 8192).unwrap();
    let fd = || Some(file.file().unwrap().into());
    let mut table = DmaTable::default();
    table.map(1 << 40, 8192, fd(), 0, true).unwrap();
    for page in 1..DmaTable::MAX_MAPS as u64 {
        table.map(page * 2, 1, fd(), 0, true).unwrap();
    }
    assert_eq!(table.unmap((1 << 40) + 4096, 1), Err(Errno::NOSPC));
    assert_eq!(table.maps(), DmaTable::MAX_MAPS);
    assert_eq!(table.read((1 << 40) + 4096, &mut [0]), Ok(()), "nothing was unmapped");
    assert_eq!(table.map(1, 1, fd(), 0, true), Err(Errno::NOSPC));
    assert_eq!(table.unmap((1 << 40) + 8191, 1), Ok(()), "the end of a map");
    assert_eq!(table.unmap(2, 1), Ok(()));
    assert_eq!(table.unmap((1 << 40) + 4096, 1), Ok(()), "there is room again");
    assert_eq!(table.maps(), DmaTable::MAX_MAPS);
}
