//! `regs`: registers and counters by name.

use std::fmt;

use clap::Args;
use lockstep_accel_abi::codes::{ErrorBits, InterruptBits};
use lockstep_accel_abi::registers::{self, REGISTERS};
use lockstep_accel_abi::{ALL_ONES, Field, Register};
use lockstep_accel_driver::{Error, RegisterView};
use serde::Serialize;

use crate::counters::{Counters, name};
use crate::opening::CardArguments;
use crate::output::{Output, Stop};
use crate::problem::Problem;
use crate::table::{self, row};

#[derive(Debug, Args)]
pub(crate) struct RegsArguments {
    #[command(flatten)]
    card: CardArguments,
    /// Registers by name, such as STATUS: they are explained. Without names all registers and
    /// counters are printed.
    #[arg(value_name = "REGISTER")]
    names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    registers: Vec<Value>,
    counters: Option<Counters>,
    #[serde(skip)]
    explain: bool,
}

#[derive(Debug, Serialize)]
struct Value {
    name: &'static str,
    offset: u32,
    access: &'static str,
    value: u32,
    fields: Vec<FieldValue>,
    about: &'static str,
}

#[derive(Debug, Serialize)]
struct FieldValue {
    name: &'static str,
    value: u32,
    about: &'static str,
}

pub(crate) fn run(arguments: &RegsArguments, output: &mut Output<'_>) -> Result<(), Stop> {
    let chosen = chosen(&arguments.names)?;
    let view = RegisterView::open(arguments.card.transport()?)?;
    let values = chosen.into_iter().map(|register| Ok(value(register, view.register(register)?)));
    let registers: Vec<Value> = values.collect::<Result<_, Error>>()?;
    if registers.iter().all(|value| value.value == ALL_ONES) {
        return Err(Error::Gone.into());
    }
    let explain = !arguments.names.is_empty();
    let counters = if explain { None } else { Some(Counters::read_by(|event| view.counter(event))?) };
    output.report(&Report { registers, counters, explain })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Register>, Problem> {
    if names.is_empty() {
        return Ok(REGISTERS.iter().collect());
    }
    let find = |name: &String| {
        let register = REGISTERS.iter().find(|register| register.name.eq_ignore_ascii_case(name));
        register.ok_or_else(|| {
            let all: Vec<&str> = REGISTERS.iter().map(|register| register.name).collect();
            Problem::new(
                format_args!("there is no register {name}"),
                format_args!("one of {}", all.join(", ")),
            )
        })
    };
    names.iter().map(find).collect()
}

fn value(register: &'static Register, value: u32) -> Value {
    let fields: &[Field] = match register.offset {
        registers::ERROR_STATUS => ErrorBits::FIELDS,
        registers::INT_STATUS | registers::INT_ENABLE => InterruptBits::FIELDS,
        _ => register.fields,
    };
    let fields =
        fields.iter().map(|f| FieldValue { name: f.name, value: f.get(value), about: f.about.trim() });
    let Register { name, offset, access, about, .. } = *register;
    Value { name, offset, access: access.short(), value, fields: fields.collect(), about: about.trim() }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.explain {
            return self.registers.iter().try_for_each(|value| explain(f, value));
        }
        let mut rows = Vec::new();
        for Value { name: register, offset, access, value, fields, .. } in &self.registers {
            let fields: Vec<String> = fields.iter().map(|f| format!("{}={}", f.name, f.value)).collect();
            let (offset, value) = (format!("{offset:#06x}"), format!("{value:#010x}"));
            rows.push(row([&offset, register, access, &value, &fields.join(" ")]));
        }
        table::write(f, &rows)?;
        let counters = self.counters.iter().flat_map(Counters::iter);
        let rows: Vec<_> = counters.map(|(event, count)| row([&name(event), &count])).collect();
        table::write(f, &rows)
    }
}

fn explain(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    let Value { name, offset, access, value, fields, about } = value;
    writeln!(f, "{name} at {offset:#06x}, {access}: {value:#010x}\n  {about}")?;
    fields.iter().try_for_each(|f_| writeln!(f, "  {} = {}: {}", f_.name, f_.value, f_.about))
}
