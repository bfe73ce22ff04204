//! The address of a card, and what a program tells its user when the card cannot be opened.
#![allow(clippy::unwrap_used)]

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lockstep_accel_abi::{PCI_DEVICE, PCI_VENDOR};
use lockstep_accel_driver::{Card, CardAddress, OpenError, Options};
use lockstep_vfio_user::{Bus, Device, Errno, Server, region};

const TIME: Duration = Duration::from_secs(20);

#[test]
fn addresses_are_read_and_written() {
    for text in ["vfio:0000:04:00.0", "vfio:10a0:ff:1f.7", "vfio-user:/run/card", "vfio-user:a:b"] {
        let address: CardAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
    }
    assert_eq!("vfio:0000:0A:00.0".parse(), Ok(CardAddress::Vfio("0000:0a:00.0".into())));
    let refused = |text: &str| text.parse::<CardAddress>().unwrap_err().to_string();
    assert_eq!(
        refused("/run/card"),
        "\"/run/card\" is no address of a card: it begins with neither vfio: nor vfio-user:; write \
         vfio:0000:04:00.0 or vfio-user:PATH"
    );
    assert!(refused("vfio-user:").contains("the path is empty"));
    for text in ["vfio:", "vfio:04:00.0", "vfio:0000:04:00.0/..", "vfio:0000:04:00:0", "vfio:0000:0g:00.0"] {
        assert!(refused(text).contains("a PCI function has four, two, two and one hexadecimal digits"));
    }
}

#[test]
fn a_function_that_is_not_there_is_named() {
    let address: CardAddress = "vfio:ffff:ff:1f.7".parse().unwrap();
    let error = address.open(TIME).err().unwrap();
    assert!(matches!(error, OpenError::NoDevice { .. }), "{error}");
    assert!(error.to_string().starts_with("vfio:ffff:ff:1f.7: there is no such PCI function"), "{error}");
}

/// A device of any id, whose registers are all zero.
struct Blank {
    bar: u64,
    id: u32,
}

impl Device for Blank {
    fn regions(&self) -> [u64; region::COUNT as usize] {
        let mut regions = [0; region::COUNT as usize];
        regions[region::BAR0 as usize] = self.bar;
        regions[region::CONFIG as usize] = 256;
        regions
    }

    fn read(&mut self, region: u32, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        to.fill(0);
        if region == region::CONFIG && offset == 0 && to.len() == 4 {
            to.copy_from_slice(&self.id.to_le_bytes());
        }
        Ok(())
    }

    fn write(&mut self, _: u32, _: u64, _: &[u8]) -> Result<(), Errno> {
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Errno> {
        Ok(())
    }
}

/// The error of opening a device at a socket, without the address that it begins with.
fn error(name: &str, mut device: Blank) -> String {
    let path = socket(name);
    let server = Server::bind(&path, Arc::new(Bus::new(2))).unwrap();
    let (stop, stopped) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || server.serve(&mut device, stopped.as_fd()));
        let address = CardAddress::VfioUser(path.clone());
        let error = match address.open(TIME) {
            Err(error) => error.to_string(),
            Ok(transport) => Card::open(transport, Options::DEFAULT).err().unwrap().to_string(),
        };
        drop(stop);
        error.strip_prefix(&format!("vfio-user:{}: ", path.display())).unwrap_or(&error).to_owned()
    })
}

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("lockstep-address-{}-{name}", std::process::id()))
}

#[test]
fn devices_that_are_no_cards_are_named() {
    let path = socket("none");
    let nobody = CardAddress::VfioUser(path.clone()).open(TIME).err().unwrap().to_string();
    assert!(
        nobody.starts_with(&format!("vfio-user:{}: no device process listens at the socket", path.display()))
            && nobody.ends_with("start one, for example by `make card`"),
        "{nobody}"
    );
    let id = u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR);
    let small = error("small", Blank { bar: 4096, id });
    assert!(small.starts_with("BAR 0 has 4096 bytes, the registers take 8192; "), "{small}");
    let other = error("other", Blank { bar: 8192, id: 0x1234_8086 });
    assert!(other.starts_with("PCI id is 0x12348086; this driver needs 0x4c531234; name the "), "{other}");
    let blank = error("blank", Blank { bar: 8192, id });
    assert!(blank.starts_with("ID is 0x0; this driver needs 0x4542534c; the device "), "{blank}");
}
