//! The program itself: wrong command lines, completions, manual pages.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn lab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockstep-lab")).args(arguments).output().unwrap()
}

#[test]
fn a_wrong_command_line_is_code_2() {
    for (line, named) in [
        (&[][..], "Usage"),
        (&["info"], "<CARD>"),
        (&["info", "/run/card"], "write vfio:0000:04:00.0 or vfio-user:PATH"),
        (&["bind"], "<FUNCTION>"),
        (&["bench", "vfio-user:a", "--batch", "0"], "0 is not in 1..=1024"),
        (&["top", "vfio-user:a", "--once", "--count", "2"], "cannot be used with"),
        (&["run", "vfio-user:a", "--model", "m", "--texts", "t", "--format", "raw"], "--out"),
        (&["completions", "edit"], "invalid value 'edit'"),
    ] {
        let output = lab(line);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line:?}: {text}");
        assert!(text.contains(named), "{line:?}: {text}");
    }
}

#[test]
fn a_problem_goes_to_standard_error_or_is_json() {
    let output = lab(&["info", "vfio-user:/no/such/socket"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("lockstep-lab: vfio-user:/no/such/socket: no device process listens"), "{text}");
    assert!(text.contains("\nnext: `lockstep-lab list` shows the device processes"), "{text}");
    let output = lab(&["--json", "info", "vfio-user:/no/such/socket"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
    let problem: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(problem["next"].as_str().unwrap().contains("lockstep-card SOCKET --mock"), "{problem}");
}

#[test]
fn completions_and_manual_pages_name_each_subcommand() {
    let help = String::from_utf8(lab(&["--help"]).stdout).unwrap();
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> =
        listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty() && *name != "help").collect();
    assert_eq!(names.len(), 12, "{help}");

    let bash = String::from_utf8(lab(&["completions", "bash"]).stdout).unwrap();
    let page = String::from_utf8(lab(&["man"]).stdout).unwrap();
    assert!(page.contains(".TH lockstep-lab 1"), "{page}");
    let folder = std::env::temp_dir().join(format!("lockstep-lab-man-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    assert!(lab(&["man", folder.to_str().unwrap()]).status.success());
    for name in names {
        assert!(bash.contains(name), "{name}");
        assert!(page.contains(&format!("lockstep\\-lab\\-{name}(1)")), "{name}: {page}");
        let own = std::fs::read_to_string(folder.join(format!("lockstep-lab-{name}.1"))).unwrap();
        assert!(own.contains("OPTIONS"), "{name}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let output = lab(&["man", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "the folder is gone");
}
