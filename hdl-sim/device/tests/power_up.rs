//! A client that goes away leaves the card as after power-up, also in the middle of a job.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use lockstep_accel_abi::instructions::{Instruction, Pass};
use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_device::ServedCard;
use lockstep_vfio_user::{Client, region};
use support::raw::{COMMAND, Raw, read, write};
use support::{BUILT, endless_job, setups, socket};

#[test]
fn a_client_that_goes_away_leaves_the_card_as_after_power_up() {
    for setup in setups() {
        println!("{setup:?}");
        let path = socket();
        let device = ServedCard::start(&path, setup).unwrap();
        for busy in [false, true] {
            let mut raw = Raw::new(Client::connect(&path, BUILT).unwrap());
            write(&raw.client, registers::SCRATCH, 7);
            write(&raw.client, registers::WATCHDOG, 1 << 30);
            raw.client.write(region::BAR0 + 2, 16, &[1; 4]).unwrap();
            raw.write_data(&Instruction::from(Pass::default()).to_bytes().unwrap());
            let endless = endless_job(0);
            raw.submit(&[Descriptor::copy_to_card(1, raw.data(0), 0, 32)]);
            assert_eq!(raw.wait().outcome(), Ok(Status::Ok));
            raw.acknowledge();
            if busy {
                raw.submit(&[endless]);
                let begin = Instant::now();
                while fields::STATUS::JOBS.get(read(&raw.client, registers::STATUS)) == 0 {
                    assert!(begin.elapsed() < Duration::from_secs(60), "the job does not start");
                }
            }
            drop(raw);

            let client = Client::connect(&path, BUILT).unwrap();
            let mut command = [0; 2];
            client.read(region::CONFIG, COMMAND, &mut command).unwrap();
            assert_eq!(command, [0; 2], "COMMAND");
            client.write(region::CONFIG, COMMAND, &[2, 0]).unwrap();
            let mut entry = [1; 4];
            client.read(region::BAR0 + 2, 16, &mut entry).unwrap();
            assert_eq!(entry, [0; 4], "the table of vectors");
            for register in registers::REGISTERS.iter().filter(|r| r.offset >= registers::CONTROL) {
                assert_eq!(read(&client, register.offset), 0, "{}", register.name);
            }
            assert_eq!(read(&client, registers::SCRATCH), 0);
            let mut raw = Raw::new(client);
            raw.write_data(&[1; 32]);
            raw.submit(&[Descriptor::copy_from_card(1, 0, raw.data(0), 32)]);
            assert_eq!(raw.wait().outcome(), Ok(Status::Ok));
            assert_eq!(raw.read_data(32), [0; 32], "card memory");
        }
        device.stop().unwrap();
    }
}
