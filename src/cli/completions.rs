//! `portolan completions SHELL`: the script by which a shell completes commands, options and their values;
//! `portolan completions --man DIR` writes a manual page a command.

use super::{Exit, input};
use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan completions bash > /etc/bash_completion.d/portolan
  portolan completions zsh > ~/.zfunc/_portolan
  portolan completions fish > ~/.config/fish/completions/portolan.fish
  portolan completions --man /usr/local/share/man/man1")]
pub struct Arguments {
    /// Which shell.
    #[arg(required_unless_present = "man")]
    shell: Option<Shell>,
    /// Write manual pages into this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "shell")]
    man: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut command = super::Arguments::command();
    if let Some(folder) = &arguments.man {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        command.build();
        pages(&command, command.get_name(), folder)?;
    }
    if let Some(shell) = arguments.shell {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "portolan", &mut script);
        input::print(&script)?;
    }
    Ok(Exit::Ok)
}

/// One page for a command and for each below it: `portolan-mappings-show.1`.
fn pages(command: &Command, name: &str, folder: &Path) -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page)?;
    let path = folder.join(format!("{name}.1"));
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    inner.into_iter().try_for_each(|inner| pages(inner, &format!("{name}-{}", inner.get_name()), folder))
}
