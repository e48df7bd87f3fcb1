//! Passwords of files: from standard input where that is said, else asked for on the terminal without showing them. Never
//! from the command line, which others can see.

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

/// Bytes of a password.
const PASSWORD_BYTES_MAX: u64 = 1024;

#[derive(clap::Args)]
pub struct Password {
    /// Read the password of the file from standard input, its first line; without it a terminal is asked.
    #[arg(long)]
    password_stdin: bool,
}

/// The terminal without echo, until this is dropped.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut now = before.clone();
        now.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &now)?;
        Ok(Unseen(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
        eprintln!();
    }
}

fn line() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(PASSWORD_BYTES_MAX + 2).read_until(b'\n', &mut bytes);
    read.context("cannot read the password from standard input")?;
    let text = String::from_utf8(bytes).context("expected a password in UTF-8")?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    anyhow::ensure!(
        text.len() as u64 <= PASSWORD_BYTES_MAX,
        "expected a password of at most {PASSWORD_BYTES_MAX} bytes"
    );
    Ok(text.to_owned())
}

fn asked(prompt: &str) -> anyhow::Result<String> {
    eprint!("{prompt}");
    io::stderr().flush()?;
    let unseen = Unseen::begin().context("cannot hide what is typed")?;
    let text = line();
    drop(unseen);
    text
}

impl Password {
    /// Whether it is the first line of standard input, which then is no file as well.
    pub fn is_on_stdin(&self) -> bool {
        self.password_stdin
    }

    /// The password; none where nobody can be asked.
    pub fn read(&self, prompt: &str) -> anyhow::Result<Option<String>> {
        match self.password_stdin {
            true => line().map(Some),
            false if io::stdin().is_terminal() => asked(prompt).map(Some),
            false => Ok(None),
        }
    }

    /// The password of something new, which is asked for twice on a terminal.
    pub fn read_twice(&self, prompt: &str) -> anyhow::Result<Option<String>> {
        let first = self.read(prompt)?;
        if !self.password_stdin && first.is_some() {
            let again = asked("The same again: ")?;
            anyhow::ensure!(first.as_deref() == Some(&again), "the two passwords differ");
        }
        Ok(first)
    }
}
