//! One device process with two cards, each with its own model: both answer right, whatever the
//! other one does.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use lockstep_accel_driver::{Card, CardEncoder, Options};
use lockstep_accel_stories::{Texts, model};
use lockstep_vfio_user::Client;
use support::{BUILT, LANES, MIB, OPTIONS, listening, socket};

/// A `lockstep-card` process with two sockets, which ends with this value.
struct Process {
    child: Child,
    sockets: [PathBuf; 2],
}

impl Process {
    fn start(options: &[&str]) -> Self {
        let sockets = [socket(), socket()];
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-card"));
        command.args(&sockets).args(options);
        command.args(["--lanes", &LANES.to_string(), "--mib", &MIB.to_string()]);
        let child = listening(&mut command, &sockets);
        Self { child, sockets }
    }
}

fn open(socket: &Path) -> Card<Client> {
    let options = Options { memory: 1 << 20, ..OPTIONS };
    Card::open(Client::connect(socket, BUILT).unwrap(), options).unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for socket in &self.sockets {
            let _ = std::fs::remove_file(socket);
        }
    }
}

#[test]
fn two_mocks_answer_each_for_its_own_model() {
    story(&["--mock"]);
}

#[test]
fn two_cards_answer_each_for_its_own_model() {
    story(&[]);
}

fn story(options: &[&str]) {
    let process = Process::start(options);
    let models = [model(5), model(6)];
    let mut encoders: Vec<_> = process
        .sockets
        .iter()
        .zip(&models)
        .map(|(socket, model)| CardEncoder::new(open(socket), model).unwrap())
        .collect();
    // Both encoders get the same texts, so that an answer of the wrong card would be noticed.
    let texts = Texts::new(&models[0], &[3, 9, 3], 9);
    let expected = [&models[0], &models[1]].map(|model| texts.reference(model).unwrap());
    assert_ne!(expected[0], expected[1]);
    for reset in [None, Some(0), Some(1)] {
        if let Some(card) = reset {
            encoders[card].reset().unwrap();
        }
        for (encoder, expected) in encoders.iter_mut().zip(&expected) {
            assert_eq!(encoder.encode(&texts.batch()).unwrap(), *expected, "after a reset of {reset:?}");
        }
    }

    // The cards exchange their models.
    let cards = encoders.into_iter().rev().map(CardEncoder::into_card);
    for ((card, model), expected) in cards.zip(&models).zip(&expected) {
        let mut encoder = CardEncoder::new(card, model).unwrap();
        assert_eq!(encoder.encode(&texts.batch()).unwrap(), *expected);
    }
}
