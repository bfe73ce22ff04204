//! `bind` and `unbind`: PCI functions to and from the kernel driver vfio-pci.

use std::fmt;

use clap::Args;
use serde::Serialize;

use crate::output::{Output, Stop};
use crate::problem::Problem;
use crate::system::binding::{self, Step, VFIO};
use crate::system::function::{Function, card_id};
use crate::system::{Root, RootArguments, holder};

#[derive(Debug, Args)]
pub(crate) struct BindArguments {
    /// PCI functions, such as 0000:04:00.0.
    #[arg(required = true, value_name = "FUNCTION")]
    functions: Vec<String>,
    /// Prints the steps as commands of a shell, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Binds functions that are no cards as well: the neighbours of a card in its group.
    #[arg(long)]
    any: bool,
    /// Gives the file of the IOMMU group to the user with this number, who then needs no root.
    #[arg(long, value_name = "UID")]
    owner: Option<u32>,
    #[command(flatten)]
    root: RootArguments,
}

#[derive(Debug, Args)]
pub(crate) struct UnbindArguments {
    /// PCI functions, such as 0000:04:00.0.
    #[arg(required = true, value_name = "FUNCTION")]
    functions: Vec<String>,
    /// Prints the steps as commands of a shell, and does nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    root: RootArguments,
}

#[derive(Debug, Serialize)]
struct Report {
    dry_run: bool,
    functions: Vec<Moved>,
}

#[derive(Debug, Serialize)]
struct Moved {
    function: String,
    /// The kernel driver before.
    from: Option<String>,
    /// The kernel driver now; in a dry run the one before.
    driver: Option<String>,
    /// The steps, as commands of a shell.
    steps: Vec<String>,
}

pub(crate) fn bind(arguments: &BindArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let root = arguments.root.root();
    // All functions are checked before the first one is touched.
    let functions = named(&root, &arguments.functions)?;
    for function in &functions {
        bindable(&root, function, arguments.any)?;
    }
    let plan = |function: &Function| binding::to_vfio(&root, function, arguments.owner);
    move_all(&root, &functions, arguments.dry_run, plan, |driver| driver == Some(VFIO), output)
}

pub(crate) fn unbind(arguments: &UnbindArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let root = arguments.root.root();
    let functions = named(&root, &arguments.functions)?;
    for function in &functions {
        unbindable(&root, function)?;
    }
    let plan = |function: &Function| binding::to_kernel(&root, function);
    move_all(&root, &functions, arguments.dry_run, plan, |driver| driver != Some(VFIO), output)
}

fn named(root: &Root, names: &[String]) -> Result<Vec<Function>, Problem> {
    names.iter().map(|name| Function::named(root, name)).collect()
}

fn bindable(root: &Root, function: &Function, any: bool) -> Result<(), Problem> {
    let Function { function: name, id, driver, iommu_group } = function;
    if !any && !function.is_card() {
        let driver = driver.as_deref().unwrap_or("none");
        let error =
            format!("{name} has the ids {id} and the driver {driver}; a card has the ids {}", card_id());
        let next =
            "the address: `lockstep-lab list`; --any for a neighbour of a card that nothing else needs";
        return Err(Problem::new(error, next));
    }
    if iommu_group.is_none() {
        let error = format!("{name} has no IOMMU group, so vfio-pci refuses it");
        let next = "switch the IOMMU on in the firmware, and by intel_iommu=on or amd_iommu=on of the kernel";
        return Err(Problem::new(error, next));
    }
    if !root.pci().join("drivers").join(VFIO).exists() {
        return Err(Problem::new("the kernel driver vfio-pci is not loaded", "as root: modprobe vfio-pci"));
    }
    Ok(())
}

/// The kernel lets `unbind` wait until the last holder of the function has gone.
fn unbindable(root: &Root, function: &Function) -> Result<(), Problem> {
    let Function { function: name, driver, iommu_group, .. } = function;
    if driver.as_deref() != Some(VFIO) {
        let error = format!("{name} has the driver {}, not vfio-pci", driver.as_deref().unwrap_or("none"));
        return Err(Problem::new(error, "`lockstep-lab list` shows the drivers"));
    }
    let holders = iommu_group.map(|group| holder::of_group(root, group)).unwrap_or_default();
    match holders.first() {
        Some(holder) => {
            Err(Problem::new(format_args!("{name} is held by {holder}"), "end that process first"))
        }
        None => Ok(()),
    }
}

fn move_all(
    root: &Root,
    functions: &[Function],
    dry_run: bool,
    plan: impl Fn(&Function) -> Vec<Step>,
    wanted: impl Fn(Option<&str>) -> bool,
    output: &mut Output<'_>,
) -> Result<(), Stop> {
    let mut report = Report { dry_run, functions: Vec::new() };
    for function in functions {
        let steps = plan(function);
        if !dry_run {
            steps.iter().try_for_each(Step::perform)?;
            binding::await_driver(root, &function.function, &wanted)?;
        }
        report.functions.push(Moved {
            function: function.function.clone(),
            from: function.driver.clone(),
            driver: Function::read(root, &function.function).and_then(|function| function.driver),
            steps: steps.iter().map(ToString::to_string).collect(),
        });
    }
    output.report(&report)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Moved { function, from, driver, steps } in &self.functions {
            let name = |driver: &Option<String>| driver.clone().unwrap_or_else(|| "none".into());
            match (self.dry_run, steps.is_empty()) {
                (true, _) => steps.iter().try_for_each(|step| writeln!(f, "{step}"))?,
                (false, true) => writeln!(f, "{function} has the driver {} already", name(driver))?,
                (false, false) => writeln!(f, "{function}: driver {}, before {}", name(driver), name(from))?,
            }
        }
        Ok(())
    }
}
