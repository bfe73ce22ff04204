//! The table of a client's maps, against a list of bytes: a copy succeeds if all its addresses are
//! mapped, it moves the right bytes, and no other byte changes.

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::DmaTable;

use crate::script::Script;

/// Bytes of each file of the client.
const FILE: usize = 64;
const FILES: usize = 3;
/// The bus addresses that are compared one by one. Maps elsewhere are possible too.
const ADDRESSES: u64 = 256;

/// The client's files, and a copy of what must be in them.
struct Files {
    shared: Vec<SharedMemory>,
    expected: Vec<[u8; FILE]>,
}

/// What the address belongs to.
#[derive(Clone, Copy)]
struct Mapped {
    /// The file and the byte in the file; none if the client gave no file.
    place: Option<(usize, usize)>,
    writable: bool,
}

thread_local! {
    static SHARED: Vec<SharedMemory> = (0..FILES)
        .map(|_| SharedMemory::create("lockstep-fuzz", FILE).expect("memory"))
        .collect();
}

/// Reads a script as maps, unmaps and copies. Returns whether a copy succeeded.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    SHARED.with(|shared| {
        let again = |memory: &SharedMemory| {
            memory.write(0, &[0; FILE]).expect("inside");
            SharedMemory::map(memory.file().expect("a file").into(), true).expect("memory")
        };
        let files = Files { shared: shared.iter().map(again).collect(), expected: vec![[0; FILE]; FILES] };
        session(&mut script, files)
    })
}

fn session(script: &mut Script<'_>, mut files: Files) -> bool {
    let mut copied = false;
    let mut table = DmaTable::default();
    let mut model: Vec<Option<Mapped>> = vec![None; ADDRESSES as usize];
    for _ in 0..64 {
        if script.is_over() {
            break;
        }
        let (iova, size) = (address(script), size(script));
        match script.below(5) {
            0 | 1 => map(script, &mut table, &mut model, &files, (iova, size)),
            2 => {
                let unmapped = table.unmap(iova, size).is_ok();
                assert_eq!(unmapped, size > 0 && iova.checked_add(size - 1).is_some(), "{iova:#x} {size:#x}");
                if unmapped {
                    within(iova, size).for_each(|at| model[at] = None);
                }
            }
            3 => copied |= copy(script, &table, &model, &mut files, iova, size),
            _ => read(&table, &model, &files, iova, size),
        }
    }
    for (shared, expected) in files.shared.iter().zip(&files.expected) {
        let mut found = [0; FILE];
        shared.read(0, &mut found).expect("inside");
        assert_eq!(&found, expected, "a byte changed that no copy meant");
    }
    table.clear();
    assert_eq!(table.maps(), 0);
    copied
}

fn map(
    script: &mut Script<'_>,
    table: &mut DmaTable,
    model: &mut [Option<Mapped>],
    files: &Files,
    (iova, size): (u64, u64),
) {
    let file = script.below(FILES + 1);
    let offset = if script.chance(32) { script.number() } else { script.below(FILE) as u64 };
    let writable = !script.chance(64);
    let fd = files.shared.get(file).map(|shared| shared.file().expect("a file").into());
    if table.map(iova, size, fd, offset, writable).is_err() {
        return;
    }
    assert!(size > 0);
    if file < FILES {
        assert!(offset.checked_add(size).is_some_and(|end| end <= FILE as u64), "a map behind the file");
    }
    for at in within(iova, size) {
        assert!(model[at].is_none(), "two maps of {at:#x}");
        let place = (file < FILES).then(|| (file, (offset + (at as u64 - iova)) as usize));
        model[at] = Some(Mapped { place, writable });
    }
}

fn copy(
    script: &mut Script<'_>,
    table: &DmaTable,
    model: &[Option<Mapped>],
    files: &mut Files,
    iova: u64,
    size: u64,
) -> bool {
    let from: Vec<u8> = std::iter::repeat_n(script.byte(), size.min(512) as usize).collect();
    let written = table.write(iova, &from);
    let mut places = Vec::new();
    for i in 0..from.len() as u64 {
        match lookup(model, iova, i) {
            Some(Mapped { place: Some(place), writable: true }) => places.push(place),
            _ => break,
        }
    }
    if inside(iova, from.len()) {
        assert_eq!(written.is_ok(), places.len() == from.len(), "{iova:#x} {}", from.len());
        if let Err(fault) = written {
            assert_eq!(fault.iova, iova + places.len() as u64, "the first address without a map");
        }
    }
    if inside(iova, from.len()) {
        places.iter().zip(&from).for_each(|(&(file, at), &byte)| files.expected[file][at] = byte);
    } else {
        // A map outside of the addresses that are compared may have taken some bytes.
        for (shared, expected) in files.shared.iter().zip(&mut files.expected) {
            shared.read(0, expected).expect("inside");
        }
    }
    written.is_ok() && !from.is_empty()
}

fn read(table: &DmaTable, model: &[Option<Mapped>], files: &Files, iova: u64, size: u64) {
    let mut to = vec![0x5a; size.min(512) as usize];
    let done = table.read(iova, &mut to);
    if !inside(iova, to.len()) {
        return;
    }
    for (i, &byte) in to.iter().enumerate() {
        match lookup(model, iova, i as u64) {
            Some(Mapped { place: Some((file, at)), .. }) => assert_eq!(byte, files.expected[file][at]),
            _ => {
                assert_eq!(done.expect_err("an address without memory").iova, iova + i as u64);
                assert!(to[i..].iter().all(|&byte| byte == 0x5a), "bytes behind a fault");
                return;
            }
        }
    }
    assert!(done.is_ok());
}

fn lookup(model: &[Option<Mapped>], iova: u64, at: u64) -> Option<Mapped> {
    *model.get(usize::try_from(iova.checked_add(at)?).ok()?)?
}

/// Whether all addresses are among those that are compared.
fn inside(iova: u64, len: usize) -> bool {
    iova.checked_add(len as u64).is_some_and(|end| end <= ADDRESSES)
}

fn within(iova: u64, size: u64) -> std::ops::Range<usize> {
    let end = iova.saturating_add(size).min(ADDRESSES);
    iova.min(end) as usize..end as usize
}

fn address(script: &mut Script<'_>) -> u64 {
    if script.chance(32) { script.number() } else { script.below(ADDRESSES as usize) as u64 }
}

fn size(script: &mut Script<'_>) -> u64 {
    if script.chance(24) { script.number() } else { script.below(48) as u64 }
}

/// Random scripts.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    crate::random::scripts(16, 300)
}
