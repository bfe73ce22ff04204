//! The steps that give a PCI function to a kernel driver.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::problem::Problem;

use super::function::Function;
use super::root::Root;

/// The kernel driver that gives functions to programs.
pub(crate) const VFIO: &str = "vfio-pci";
/// How long the kernel may take for a step.
const STEP: Duration = Duration::from_secs(2);

/// A step. Its text is the command of a shell that does the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write a text to a file of sysfs.
    Write { file: PathBuf, text: String },
    /// Give a file to a user. The kernel makes the file in the steps before.
    Own { file: PathBuf, user: u32 },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { file, text } if text.is_empty() => write!(f, "echo > {}", file.display()),
            Self::Write { file, text } => write!(f, "echo {text} > {}", file.display()),
            Self::Own { file, user } => write!(f, "chown {user} {}", file.display()),
        }
    }
}

/// The steps that give a function to [`VFIO`], and the file of its group to a user.
pub(crate) fn to_vfio(root: &Root, function: &Function, owner: Option<u32>) -> Vec<Step> {
    let mut steps = Vec::new();
    if function.driver.as_deref() != Some(VFIO) {
        steps.push(override_driver(root, function, VFIO));
        steps.extend(move_on(root, function));
    }
    if let (Some(user), Some(group)) = (owner, function.iommu_group) {
        steps.push(Step::Own { file: root.group(group), user });
    }
    steps
}

/// The steps that take a function from [`VFIO`] and let the kernel choose a driver.
pub(crate) fn to_kernel(root: &Root, function: &Function) -> Vec<Step> {
    let mut steps = vec![override_driver(root, function, "")];
    steps.extend(move_on(root, function));
    steps
}

/// An empty text removes the override.
fn override_driver(root: &Root, function: &Function, driver: &str) -> Step {
    Step::Write { file: root.function(&function.function).join("driver_override"), text: driver.into() }
}

fn move_on(root: &Root, function: &Function) -> Vec<Step> {
    let address = || function.function.clone();
    let unbind = function.driver.iter().map(|_| Step::Write {
        file: root.function(&function.function).join("driver/unbind"),
        text: address(),
    });
    unbind.chain([Step::Write { file: root.pci().join("drivers_probe"), text: address() }]).collect()
}

impl Step {
    /// Does the step.
    ///
    /// # Errors
    /// The system refused.
    pub(crate) fn perform(&self) -> Result<(), Problem> {
        let done = match self {
            Self::Write { file, text } => {
                let opened = OpenOptions::new().write(true).truncate(true).open(file);
                opened.and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()))
            }
            Self::Own { file, user } => {
                await_that(|| file.exists());
                std::os::unix::fs::chown(file, Some(*user), None)
            }
        };
        done.map_err(|error| {
            let next = match error.kind() {
                ErrorKind::PermissionDenied => "run the same command as root: sudo lockstep-lab …",
                ErrorKind::NotFound => {
                    "`lockstep-lab list`; whether the kernel has the module: modprobe vfio-pci"
                }
                ErrorKind::ResourceBusy => "`lockstep-lab list`, as root, names who holds the group",
                _ => "the end of `dmesg`",
            };
            Problem::new(format_args!("{self}: {error}"), next)
        })
    }
}

/// Waits until the function has another driver than before, or a certain one.
///
/// # Errors
/// The kernel did not change the driver in time.
pub(crate) fn await_driver(
    root: &Root,
    function: &str,
    wanted: impl Fn(Option<&str>) -> bool,
) -> Result<(), Problem> {
    let driver = || Root::link(&root.function(function).join("driver"));
    if await_that(|| wanted(driver().as_deref())) {
        return Ok(());
    }
    let error =
        format!("{function} has the kernel driver {} after the steps", driver().unwrap_or("none".into()));
    Err(Problem::new(error, "the end of `dmesg`: vfio-pci says there why it refuses a function"))
}

fn await_that(is_so: impl Fn() -> bool) -> bool {
    let until = Instant::now() + STEP;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
