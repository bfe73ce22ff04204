//! The interface against its generated files, and the arithmetic of its rings against a plain
//! model.

use std::path::Path;

use lockstep_accel_abi::codes::{CompletionFlags, DescriptorFlags};
use lockstep_accel_abi::registers::{self, REGISTERS, fields};
use lockstep_accel_abi::{Completion, Descriptor, Opcode, Status, events, generate, ring};

fn committed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn generated_files_are_up_to_date() {
    for (path, write) in generate::FILES {
        let mut text = String::new();
        write(&mut text).unwrap();
        assert!(committed(path) == text, "{path} is stale: run `make abi`");
    }
}

#[test]
fn records_keep_their_bytes() {
    let bytes: [u8; 64] = core::array::from_fn(|i| i as u8);
    let descriptor = Descriptor::from_bytes(&bytes);
    assert_eq!(descriptor.to_bytes(), bytes);
    assert_eq!((descriptor.opcode, descriptor.flags, descriptor.tag), (0, 1, 0x0302));
    assert_eq!(descriptor.card_address, 0x0f0e_0d0c_0b0a_0908);
    let bytes: [u8; 32] = core::array::from_fn(|i| i as u8);
    let completion = Completion::from_bytes(&bytes);
    assert_eq!(completion.to_bytes(), bytes);
    assert_eq!((completion.tag, completion.status, completion.flags), (0x1b1a, 28, 31));
    assert_eq!(completion.outcome(), Err(28));
}

#[test]
fn members_leave_no_gaps() {
    for (bytes, members) in
        [(Descriptor::BYTES, Descriptor::MEMBERS), (Completion::BYTES, Completion::MEMBERS)]
    {
        let end = members.iter().fold(0, |at, member| {
            assert_eq!(member.offset, at, "{}", member.name);
            at + member.bytes
        });
        assert_eq!(end, bytes);
    }
}

#[test]
fn fields_are_read_and_written_apart() {
    let register = fields::STATUS::JOBS.set(u32::MAX, 0x5a);
    assert_eq!(register, 0xffff_5aff);
    assert_eq!(fields::STATUS::JOBS.get(register), 0x5a);
    assert_eq!(fields::VERSION::MAJOR.get(lockstep_accel_abi::codes::INTERFACE_VERSION), 1);
}

#[test]
fn registers_and_counters_do_not_meet() {
    let end = registers::COUNTERS + 8 * events::COUNT as u32;
    assert!(REGISTERS.iter().all(|r| r.offset < registers::COUNTERS || r.offset >= end));
    assert_eq!(
        REGISTERS.iter().filter(|r| r.offset >= 0x1000).count(),
        2,
        "only doorbells are in the second page"
    );
}

#[test]
fn commands_carry_what_they_were_given() {
    let command = Descriptor::copy_to_card(7, 0x1000, 0x40, 4096).with_interrupt().with_fence();
    assert_eq!(Opcode::try_from(command.opcode), Ok(Opcode::CopyToCard));
    assert_eq!(u32::from(command.flags), DescriptorFlags::INTERRUPT | DescriptorFlags::FENCE);
    assert_eq!(
        (command.tag, command.host_address, command.card_address, command.bytes),
        (7, 0x1000, 0x40, 4096)
    );
    assert_eq!(Opcode::try_from(0), Err(0), "a ring of zeros starts nothing");
    assert_eq!(Status::try_from(0), Ok(Status::Ok));
}

/// A ring as a plain queue: entries are put in and taken out, and the indices must tell the same
/// story, over many wraps.
#[test]
fn indices_tell_what_a_queue_holds() {
    for log2 in [1, 2, 5, 15] {
        let size = 1u32 << log2;
        let (mut producer, mut consumer, mut held) = (0u16, 0u16, 0u32);
        let mut random = 1u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let wish = (random >> 33) as u32 % (size + 2);
            let new = producer.wrapping_add(wish as u16);
            assert_eq!(ring::valid_producer(new, producer, consumer, log2), held + wish <= size);
            if held + wish <= size {
                (producer, held) = (new, held + wish);
            }
            let wish = (random >> 17) as u32 % (size + 2);
            let new = consumer.wrapping_add(wish as u16);
            assert_eq!(ring::valid_consumer(new, consumer, producer), wish <= held);
            if wish <= held {
                (consumer, held) = (new, held - wish);
            }
            assert_eq!(u32::from(ring::used(producer, consumer)), held);
            assert!(u32::from(ring::slot(producer, log2)) < size);
        }
    }
}

/// A carry between the reads costs one more try. A high half that always moves ends the reads.
#[test]
fn a_counter_is_read_a_bounded_number_of_times() {
    #[derive(Debug, PartialEq)]
    struct Failed(events::MovingCounter);
    impl From<events::MovingCounter> for Failed {
        fn from(counter: events::MovingCounter) -> Self {
            Self(counter)
        }
    }
    let read = |values: &mut dyn Iterator<Item = u32>| {
        let mut reads = 0;
        let value = events::read_counter(events::Event::Busy, |_| {
            reads += 1;
            Ok::<_, Failed>(values.next().unwrap())
        });
        (value, reads)
    };
    assert_eq!(read(&mut [1, u32::MAX, 1].into_iter()), (Ok(0x1_ffff_ffff), 3));
    assert_eq!(read(&mut [1, u32::MAX, 2, 2, 3, 2].into_iter()), (Ok(0x2_0000_0003), 6));
    let (found, reads) = read(&mut (0..));
    assert_eq!((found, reads), (Err(Failed(events::MovingCounter(events::Event::Busy))), 12));
}

#[test]
fn a_record_is_new_only_in_its_own_pass() {
    for log2 in [1, 4] {
        for index in 0..200u16 {
            let pass = index >> log2;
            let flags = if pass % 2 == 0 { CompletionFlags::PHASE as u8 } else { 0 };
            let record = Completion { flags, ..Completion::default() };
            assert!(record.is_new(index, log2));
            assert!(!record.is_new(index.wrapping_add(1 << log2), log2), "the pass before left it there");
        }
        assert!(!Completion::default().is_new(0, log2), "memory of zeros holds no record");
    }
}
