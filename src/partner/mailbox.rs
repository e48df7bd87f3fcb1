//! Mailboxes among the other resources: whose they are, which channels make their folders, and what files are called there.

use super::directory::{Directory, missing};
use super::resource::{Channel, Mailbox, Way, is_folder};
use std::collections::BTreeMap;

/// What files are called, where a channel does not say it.
pub const FILE_NAME: &str = "{document}_{number}_{control_number}.{extension}";
/// The facts that may stand in a file's name.
pub const FILE_NAME_FACTS: [&str; 8] =
    ["document", "number", "control_number", "date", "time", "partner", "extension", "id"];

/// What a folder of a mailbox is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MailboxFolder<'d> {
    /// The partner drops files here, which come in over this channel.
    In(&'d str, &'d Channel),
    /// The partner fetches files here.
    Out,
    /// The partner fetches here what tells of files that were refused.
    Errors,
}

impl Directory {
    /// A mailbox by name.
    #[must_use]
    pub fn mailbox(&self, name: &str) -> Option<&Mailbox> {
        self.mailboxes.get(name)
    }

    /// All mailboxes, by name.
    #[must_use]
    pub fn mailboxes(&self) -> &BTreeMap<String, Mailbox> {
        &self.mailboxes
    }

    /// The mailbox that a user comes in to.
    #[must_use]
    pub fn mailbox_of(&self, user: &str) -> Option<(&str, &Mailbox)> {
        let mut all = self.mailboxes.iter();
        all.find(|(name, mailbox)| user_of(name, mailbox) == user).map(|(name, mailbox)| (name.as_str(), mailbox))
    }

    /// The folders of a mailbox, by name.
    #[must_use]
    pub fn mailbox_folders(&self, name: &str) -> BTreeMap<&str, MailboxFolder<'_>> {
        let Some(mailbox) = self.mailboxes.get(name) else { return BTreeMap::new() };
        let mut folders = BTreeMap::from([(mailbox.errors.as_str(), MailboxFolder::Errors)]);
        for (channel_name, channel) in self.channels_of(name) {
            let folder = match channel.way {
                Way::In => MailboxFolder::In(channel_name, channel),
                Way::Out => MailboxFolder::Out,
            };
            folders.insert(channel.folder(), folder);
        }
        folders
    }

    fn channels_of(&self, mailbox: &str) -> impl Iterator<Item = (&str, &Channel)> {
        let of_it = move |channel: &&Channel| channel.mailbox.as_deref() == Some(mailbox);
        let channels = self.channels.iter().map(|(name, channel)| (name.as_str(), channel));
        channels.filter(move |(_, channel)| of_it(channel))
    }

    pub(super) fn check_mailbox(&self, name: &str, found: &mut Vec<String>) {
        let Some(mailbox) = self.mailboxes.get(name) else { return };
        mailbox.check(found);
        let user = user_of(name, mailbox);
        let mut others = self.mailboxes.iter().filter(|(other, _)| *other != name);
        if let Some((other, _)) = others.find(|(other, one)| user_of(other, one) == user) {
            found.push(format!("user: expected a user of its own, found {user}, who is mailbox {other}'s too"));
        }
    }

    pub(super) fn check_sftp(&self, name: &str, channel: &Channel, found: &mut Vec<String>) {
        if channel.is_place() {
            if channel.mailbox.is_some() {
                found
                    .push("mailbox: expected mailbox or server, in a channel of transport sftp, found both".to_owned());
            }
            return;
        }
        if channel.transport != "sftp" {
            let keys = [("mailbox", &channel.mailbox), ("folder", &channel.folder), ("file_name", &channel.file_name)];
            let strange = keys.iter().filter(|(_, value)| value.is_some());
            found.extend(strange.map(|(key, _)| format!("{key}: expected in a channel of transport sftp only")));
            return;
        }
        let strange = [
            ("auth", channel.auth.is_some()),
            ("cxml", channel.cxml.is_some()),
            ("url", channel.url.is_some()),
            ("headers", !channel.headers.is_empty()),
        ];
        let strange = strange.iter().filter(|(_, is_there)| *is_there);
        found
            .extend(strange.map(|(key, _)| format!("{key}: expected in a channel of transport http, found with sftp")));
        let Some(of) = &channel.mailbox else {
            return found.push(
                "mailbox: expected the mailbox that its files go through, or server where they lie with the partner, found \
                 neither"
                    .to_owned(),
            );
        };
        let Some(mailbox) = self.mailboxes.get(of) else {
            return found.push(missing("mailbox", "mailbox", of, self.mailboxes.keys()));
        };
        let folder = channel.folder();
        if !is_folder(folder) {
            found.push(format!("folder: expected one name such as in, found {folder}"));
        }
        if folder == mailbox.errors {
            found.push(format!("folder: expected another than {folder}, where mailbox {of} tells what was refused"));
        }
        // Several channels may put files into one folder; what is dropped there has to be one channel's.
        let mut others = self.channels_of(of).filter(|(other, _)| *other != name);
        let meets = |other: &Channel| other.folder() == folder && (other.way == Way::In || channel.way == Way::In);
        if let Some((other, _)) = others.find(|(_, other)| meets(other)) {
            found.push(format!("folder: expected a folder of its own, found {folder}, which is channel {other}'s"));
        }
        match (&channel.file_name, channel.way) {
            (Some(_), Way::In) => found.push("file_name: expected in a channel of way out".to_owned()),
            (Some(text), Way::Out) => found.extend(check_file_name(text)),
            (None, _) => {}
        }
    }
}

fn user_of<'m>(name: &'m str, mailbox: &'m Mailbox) -> &'m str {
    mailbox.user.as_deref().unwrap_or(name)
}

/// What is wrong with what files are to be called.
pub(super) fn check_file_name(text: &str) -> Option<String> {
    let known = || {
        let braced: Vec<_> = FILE_NAME_FACTS.iter().map(|fact| format!("{{{fact}}}")).collect();
        braced.join(" ")
    };
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let inside = rest[open..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let Some((fact, after)) = inside else {
            return Some(format!("file_name: expected facts in braces, {}, found {text}", known()));
        };
        if !FILE_NAME_FACTS.contains(&fact) {
            return Some(format!("file_name: expected one of {}, found {{{fact}}}", known()));
        }
        rest = after;
    }
    let is_odd = |c: char| !(c.is_ascii_alphanumeric() || "-_.{} ".contains(c));
    let is_bad = text.chars().any(is_odd) || text.starts_with('.') || text.len() > 150;
    is_bad.then(|| format!("file_name: expected letters, digits, - _ . and facts, not a dot first, found {text}"))
}

#[cfg(test)]
mod tests {
    use super::super::resource::parse;
    use super::*;

    const FILE: &str = "
{kind: partner, name: acme, party_ids: ['ZZ:ACME']}
---
{kind: mailbox, name: acme}
---
{kind: channel, name: acme-in, transport: sftp, way: in, mailbox: acme, partners: [acme]}
---
{kind: channel, name: acme-out, transport: sftp, way: out, mailbox: acme}
---
{kind: channel, name: acme-acks, transport: sftp, way: out, mailbox: acme, folder: acks, file_name: '{document}-{id}.txt'}
";

    fn errors(more: &str) -> String {
        let resources = parse("f", &format!("{FILE}---\n{more}\n")).expect("resources");
        let errors = Directory::new(&resources).expect_err(more);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_folders_of_a_mailbox_are_those_of_its_channels() {
        let directory = Directory::new(&parse("f", FILE).expect("resources")).expect("a directory");
        let folders = directory.mailbox_folders("acme");
        assert_eq!(folders.keys().copied().collect::<Vec<_>>(), ["acks", "errors", "in", "out"]);
        assert!(matches!(folders["in"], MailboxFolder::In("acme-in", _)));
        assert_eq!((folders["acks"], folders["errors"]), (MailboxFolder::Out, MailboxFolder::Errors));
        assert_eq!(directory.mailbox_of("acme").map(|(name, _)| name), Some("acme"));
        assert!(directory.mailbox_of("ACME").is_none() && directory.mailbox_folders("other").is_empty());
    }

    #[test]
    fn err_what_does_not_fit_a_mailbox() {
        for (more, why) in [
            ("{kind: mailbox, name: other, user: acme}", "mailbox acme's too"),
            ("{kind: mailbox, name: other, user: 'a b'}", "without blanks"),
            ("{kind: mailbox, name: other, errors: a/b}", "folder's name"),
            ("{kind: mailbox, name: other, temporary: [xfer]}", ".xfer"),
            ("{kind: mailbox, name: other, keys: ['ssh-dss AAAA']}", "begins with ssh-ed25519"),
            ("{kind: channel, name: c, transport: sftp, way: in}", "expected the mailbox"),
            ("{kind: channel, name: c, transport: sftp, way: in, mailbox: acmee}", "did you mean acme?"),
            ("{kind: channel, name: c, transport: sftp, way: in, mailbox: acme}", "folder of its own"),
            ("{kind: channel, name: c, transport: sftp, way: out, mailbox: acme, folder: in}", "folder of its own"),
            (
                "{kind: channel, name: c, transport: sftp, way: out, mailbox: acme, folder: errors}",
                "another than errors",
            ),
            ("{kind: channel, name: c, transport: sftp, way: out, mailbox: acme, folder: ../up}", "expected one name"),
            ("{kind: channel, name: c, transport: sftp, way: out, mailbox: acme, file_name: '{what}.edi'}", "{number}"),
            (
                "{kind: channel, name: c, transport: sftp, way: out, mailbox: acme, file_name: '../{id}'}",
                "not a dot first",
            ),
            ("{kind: channel, name: c, transport: sftp, way: out, mailbox: acme, file_name: '{id'}", "in braces"),
            ("{kind: channel, name: c, transport: http, way: in, auth: token, mailbox: acme}", "transport sftp only"),
            ("{kind: channel, name: c, transport: sftp, way: out, mailbox: acme, url: 'https://x'}", "transport http"),
        ] {
            let told = errors(more);
            assert!(told.contains(why), "{more}: {told}");
        }
    }
}
