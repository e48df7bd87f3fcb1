//! Channels whose other side is a folder of files, checked: on a partner's SFTP server, or of this machine.

use super::directory::Directory;
use super::mailbox::check_file_name;
use super::resource::{Channel, Then, Way, check_local, check_remote};

impl Directory {
    pub(super) fn check_files(&self, name: &str, channel: &Channel, found: &mut Vec<String>) {
        let (is_folder, is_in) = (channel.transport == "folder", channel.way == Way::In);
        if !channel.is_place() {
            let strange = [("server", channel.server.is_some()), ("pickup", channel.pickup.is_some())];
            let strange = strange.iter().filter(|(_, is_there)| *is_there);
            return found.extend(strange.map(|(key, _)| {
                format!("{key}: expected in a channel of transport sftp without mailbox, or of transport folder")
            }));
        }
        let strange = [
            ("auth", channel.auth.is_some()),
            ("cxml", channel.cxml.is_some()),
            ("url", channel.url.is_some()),
            ("headers", !channel.headers.is_empty()),
            ("proxy", channel.proxy.is_some()),
        ];
        let strange = strange.iter().filter(|(_, is_there)| *is_there);
        found.extend(strange.map(|(key, _)| {
            format!("{key}: expected in a channel of transport http, found with {}", channel.transport)
        }));
        match (&channel.server, is_folder) {
            (Some(server), false) => {
                server.check(found);
                found.extend(channel.folder.as_deref().and_then(check_remote));
            }
            (Some(_), true) => {
                found.push("server: expected in a channel of transport sftp, found with folder".to_owned())
            }
            (None, _) => match &channel.folder {
                Some(folder) => found.extend(check_local(folder)),
                None => found.push("folder: expected the path of a folder such as /srv/edi/in, found none".to_owned()),
            },
        }
        match (&channel.pickup, is_in) {
            (Some(pickup), true) => pickup.check(is_folder, found),
            (Some(_), false) => found.push("pickup: expected in a channel of way in only".to_owned()),
            (None, true) => {
                found.push("pickup: expected how files are picked up, such as { then: delete }, found none".to_owned());
            }
            (None, false) => {}
        }
        match (&channel.file_name, is_in) {
            (Some(_), true) => found.push("file_name: expected in a channel of way out".to_owned()),
            (Some(text), false) => found.extend(check_file_name(text)),
            (None, _) => {}
        }
        // Two that take from one folder would each take some of its files, or all of them twice.
        let place = |one: &Channel| {
            (one.server.as_ref().map(|one| (one.host.clone(), one.port, one.user.clone())), one.folder.clone())
        };
        let mut others =
            self.channels.iter().filter(|(other, one)| *other != name && one.is_place() && one.way == Way::In);
        if is_in && let Some((other, _)) = others.find(|(_, one)| place(one) == place(channel) && meets(one, channel)) {
            found.push(format!(
                "folder: expected files of its own, found those of channel {other}: other names, or another folder"
            ));
        }
    }
}

/// Whether two channels may take the same file: one takes all, or both have a pattern.
fn meets(one: &Channel, other: &Channel) -> bool {
    let names = |channel: &Channel| channel.pickup.as_ref().map(|pickup| pickup.names.clone()).unwrap_or_default();
    let (own, others) = (names(one), names(other));
    let is_all = |names: &[String]| names.is_empty() || names.iter().any(|name| name == "*");
    let keeps = |channel: &Channel| channel.pickup.as_ref().is_some_and(|pickup| pickup.then == Then::Keep);
    // Several may look at files that stay.
    !(keeps(one) && keeps(other)) && (is_all(&own) || is_all(&others) || own.iter().any(|name| others.contains(name)))
}

#[cfg(test)]
mod tests {
    use super::super::resource::parse;
    use super::*;

    const SERVER: &str = "server: {host: sftp.x.example, user: us, password: {secret: s}, host_keys: ['SHA256:hGPr+5y/p2cb/JiWkhLuhGNNhyhdTB8t5OoZo0jI+9k']}";

    fn errors(more: &str) -> String {
        let resources = parse("f", more).expect("resources");
        let errors = Directory::new(&resources).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn folders_here_and_there_are_fit() {
        for fit in [
            format!("{{kind: channel, name: a, transport: sftp, way: in, {SERVER}, folder: outbox, pickup: {{then: {{move: done}}}}}}"),
            format!("{{kind: channel, name: a, transport: sftp, way: out, {SERVER}, file_name: '{{id}}.edi'}}"),
            "{kind: channel, name: a, transport: folder, way: in, folder: /srv/in, pickup: {then: keep, done: .done, names: ['*.edi'], every_seconds: 5}}".to_owned(),
            "{kind: channel, name: a, transport: folder, way: out, folder: /srv/out}".to_owned(),
        ] {
            assert_eq!(errors(&fit), "", "{fit}");
        }
    }

    #[test]
    fn err_what_does_not_fit_a_folder_of_files() {
        let sftp = |more: &str| format!("{{kind: channel, name: a, transport: sftp, {more}}}");
        let folder = |more: &str| format!("{{kind: channel, name: a, transport: folder, {more}}}");
        let bare = "server: {host: h, user: us, password: {secret: s}, host_keys: []}";
        for (more, why) in [
            (sftp(&format!("way: in, {bare}, pickup: {{then: keep}}")), "portolan channel host-keys h:22"),
            (sftp("way: in, server: {host: h, user: us}, pickup: {then: keep}"), "host_keys: Its keys"),
            (sftp(&format!("way: in, {SERVER}, mailbox: m, pickup: {{then: keep}}")), "mailbox or server"),
            (sftp("way: in"), "mailbox"),
            (sftp(&format!("way: in, {SERVER}")), "such as { then: delete }"),
            (sftp(&format!("way: out, {SERVER}, pickup: {{then: keep}}")), "way in only"),
            (sftp(&format!("way: in, {SERVER}, pickup: {{}}")), "expected a key then"),
            (sftp(&format!("way: in, {SERVER}, pickup: {{then: burn}}")), "delete"),
            (sftp(&format!("way: in, {SERVER}, pickup: {{then: {{move: ../up}}}}")), "a folder such as archive"),
            (sftp(&format!("way: in, {SERVER}, pickup: {{then: keep, names: ['a/*']}}")), "a pattern of names"),
            (sftp(&format!("way: out, {SERVER}, url: 'https://x'")), "transport http"),
            (sftp(&format!("way: out, {SERVER}, file_name: '{{what}}'")), "{number}"),
            (folder("way: out"), "such as /srv/edi/in"),
            (folder("way: out, folder: edi/out"), "such as /srv/edi/in"),
            (folder("way: out, folder: /srv/../etc"), "such as /srv/edi/in"),
            (folder(&format!("way: out, folder: /srv, {SERVER}")), "found with folder"),
            (
                "{kind: channel, name: a, transport: http, way: in, auth: token, pickup: {then: keep}}".to_owned(),
                "transport folder",
            ),
            (
                format!(
                    "{}\n---\n{}",
                    folder("way: in, folder: /in, pickup: {then: delete}"),
                    "{kind: channel, name: b, transport: folder, way: in, folder: /in, pickup: {then: delete, names: ['*.edi']}}"
                ),
                "files of its own",
            ),
        ] {
            let told = errors(&more);
            assert!(told.contains(why), "{more}: {told}");
        }
    }
}
