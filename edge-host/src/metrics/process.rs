//! The daemon's process, under the names that Prometheus' own clients give: memory, processor time,
//! open files, and when it started.

use std::{fmt, fs, io};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
    registry::Unit,
};

use super::gauge::gauge;

/// Units of processor time in a second: Linux tells programs hundredths, whatever it counts itself.
const TICKS: f64 = 100.0;

/// Reads `/proc/self` at each look. What the system does not tell is left out.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let read = |file: &str| fs::read_to_string(format!("/proc/{file}")).unwrap_or_default();
        if let Some(times) = Times::of(&read("self/stat")) {
            let cpu = ConstCounter::new(times.cpu);
            let help = "Processor time";
            let unit = Some(&Unit::Seconds);
            cpu.encode(encoder.encode_descriptor("process_cpu", help, unit, MetricType::Counter)?)?;
            if let Some(booted) = number(&read("stat"), "btime ") {
                let help = "When the process started, in seconds since 1970";
                gauge(&mut encoder, "process_start_time_seconds", help, booted + times.start)?;
            }
        }
        if let Some(kibibytes) = number(&read("self/status"), "VmRSS:") {
            gauge(&mut encoder, "process_resident_memory_bytes", "Memory in use", kibibytes * 1024.0)?;
        }
        if let Ok(files) = open_files() {
            gauge(&mut encoder, "process_open_fds", "Open files", files)?;
        }
        Ok(())
    }
}

/// The times of `/proc/self/stat`, in seconds.
#[derive(Debug, PartialEq)]
struct Times {
    /// Processor time in user and kernel mode.
    cpu: f64,
    /// From the system's start to the process's.
    start: f64,
}

impl Times {
    /// Reads the line. The program's name stands in parentheses and may contain anything, so the
    /// fields are counted from the last `)`, behind which the third field comes.
    fn of(line: &str) -> Option<Self> {
        let (_, fields) = line.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self { cpu: (field(14)? + field(15)?) / TICKS, start: field(22)? / TICKS })
    }
}

/// The number behind a name at the beginning of a line.
fn number(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace().next()?.parse().ok()
}

/// The open files, without the one through which they are counted.
fn open_files() -> io::Result<f64> {
    Ok(fs::read_dir("/proc/self/fd")?.count().saturating_sub(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let mut fields: Vec<String> = (1..=52).map(|number: u32| number.to_string()).collect();
        fields[1] = "(edge) host)".into();
        fields[2] = "S".into();
        assert_eq!(Times::of(&fields.join(" ")), Some(Times { cpu: 0.29, start: 0.22 }));
        assert_eq!(Times::of("1 (x) S 1 2"), None);
        assert_eq!(Times::of(""), None);
    }

    #[test]
    fn numbers_stand_behind_their_names() {
        let status = "Name:\tVmRSS: 1\nVmRSS:\t  7368 kB\n";
        assert_eq!((number(status, "VmRSS:"), number(status, "VmHWM:")), (Some(7368.0), None));
    }
}
