//! Two device processes, each with its own model: both answer right, whatever the other one does.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use lockstep_accel_driver::{Card, CardEncoder, Options};
use lockstep_vfio_user::Client;
use support::{BUILT, LANES, MIB, OPTIONS, Texts, model, socket};

/// A `lockstep-card` process, which ends with this value.
struct Process {
    child: Child,
    socket: PathBuf,
}

impl Process {
    fn start() -> Self {
        let socket = socket();
        let child = Command::new(env!("CARGO_BIN_EXE_lockstep-card"))
            .arg(&socket)
            .args([LANES.to_string(), MIB.to_string()])
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while !socket.exists() {
            assert!(begin.elapsed() < Duration::from_secs(20), "lockstep-card does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, socket }
    }

    fn open(&self) -> Card<Client> {
        let options = Options { memory: 1 << 20, ..OPTIONS };
        Card::open(Client::connect(&self.socket, BUILT).unwrap(), options).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

#[test]
fn two_cards_answer_each_for_its_own_model() {
    let processes = [Process::start(), Process::start()];
    let models = [model(5), model(6)];
    let mut encoders: Vec<_> = processes
        .iter()
        .zip(&models)
        .map(|(process, model)| CardEncoder::new(process.open(), model).unwrap())
        .collect();
    // Both encoders get the same texts, so that an answer of the wrong card would be noticed.
    let texts = Texts::new(&models[0], &[3, 9, 3], 9);
    let expected = [&models[0], &models[1]].map(|model| texts.expected(model));
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
