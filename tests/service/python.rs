//! Python for the peers of tests that are written in it.

use std::process::{Command, Stdio};

/// A program of Python that has these modules; Debian's stands beside others on some machines. Without one it says what to install.
pub fn with(modules: &[&str]) -> &'static str {
    let line = format!("import {}", modules.join(", "));
    let has = |program: &&&str| {
        let mut asked = Command::new(program);
        asked.args(["-c", &line]).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let packages: Vec<String> = modules.iter().map(|module| format!("python3-{module}")).collect();
    let found = ["python3", "/usr/bin/python3"].iter().find(has);
    found.unwrap_or_else(|| panic!("no Python has {}: apt-get install {}", modules.join(" and "), packages.join(" ")))
}
