//! `lockstep-card --check`: the RTL beside the functional model, from the first job to the signal
//! that ends the process.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lockstep_accel_abi::Status;
use lockstep_accel_driver::{Card, CardEncoder};
use lockstep_vfio_user::Client;
use rustix::process::{Pid, Signal, kill_process};
use support::{BUILT, OPTIONS, Texts, endless, model, socket};

#[test]
fn results_of_the_rtl_are_compared() {
    let path = socket();
    let child = Command::new(env!("CARGO_BIN_EXE_lockstep-card"))
        .arg(&path)
        .args(["--check", "--mib", "4"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "lockstep-card does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    let options = lockstep_accel_driver::Options { job_time: Duration::from_secs(1), ..OPTIONS };
    let card = Card::open(Client::connect(&path, BUILT).unwrap(), options).unwrap();
    let model = model(5);
    let mut encoder = CardEncoder::new(card, &model).unwrap();
    let texts = Texts::new(&model, &[3, 9, 3], 9);
    assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&model));
    encoder.reset().unwrap();
    assert_eq!(encoder.encode(&texts.batch()).unwrap(), texts.expected(&model));
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
