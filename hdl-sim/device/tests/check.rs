//! `lockstep-card --check`: the RTL beside the functional model, from the first job to the signal
//! that ends the process.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use lockstep_accel_abi::{Descriptor, Status};
use lockstep_accel_device::{ServedCard, SimulationSetup, Trace};
use lockstep_accel_driver::{Card, CardEncoder};
use lockstep_accel_stories::{Texts, model};
use lockstep_vfio_user::Client;
use rustix::process::{Pid, Signal, kill_process};
use support::{BUILT, LANES, MIB, OPTIONS, endless, listening, socket};

#[test]
fn results_of_the_rtl_are_compared() {
    let path = socket();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-card"));
    command.arg(&path).args(["--check", "--mib", "4"]).stderr(Stdio::piped());
    let child = listening(&mut command, std::slice::from_ref(&path));
    let options = lockstep_accel_driver::Options { job_time: Duration::from_secs(1), ..OPTIONS };
    let card = Card::open(Client::connect(&path, BUILT).unwrap(), options).unwrap();
    let model = model(5);
    let mut encoder = CardEncoder::new(card, &model).unwrap();
    let texts = Texts::new(&model, &[3, 9, 3], 9);
    assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.reference(&model).unwrap());
    encoder.reset().unwrap();
    assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.reference(&model).unwrap());
    // A job that is aborted is not compared.
    let mut card = encoder.into_card();
    let endless = endless(&mut card, 0);
    assert_eq!(card.execute(&[endless]).unwrap()[0].status, Status::Aborted);
    drop(card);

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("lockstep-card: 4 jobs are equal to the functional model"), "{errors}");
    assert!(output.status.success(), "{errors}");
    assert!(!path.exists(), "the socket is removed");
}

/// A waveform of the second job. It takes minutes: the design is built once more.
#[test]
#[ignore = "builds the 8x8 card with waveforms"]
fn a_waveform_of_one_job_is_written() {
    let file = std::env::temp_dir().join(format!("lockstep-job-{}.fst", std::process::id()));
    let setup = SimulationSetup::of_engine(LANES, MIB << 20).traced(Trace { file: file.clone(), job: 2 });
    let path = socket();
    let device = ServedCard::start(&path, setup).unwrap();
    let mut card = Card::open(Client::connect(&path, BUILT).unwrap(), OPTIONS).unwrap();
    let nop = |card: &mut Card<Client>| card.execute(&[Descriptor::nop(0)]).unwrap()[0].status;
    assert_eq!(nop(&mut card), Status::Ok);
    assert!(!file.exists());
    assert_eq!(nop(&mut card), Status::Ok);
    drop(card);
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size > 1000, "{size} bytes");
    device.stop().unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), size, "nothing behind the job");
    std::fs::remove_file(&file).unwrap();
}
