//! Schedules and windows of the directory: whether the calendars they name are there, and what they come to with those.

use super::directory::Directory;
use super::resource::{Channel, DeliveryWindow, Way, When};
use crate::clock::Timestamp;

/// From when on a schedule is looked at for a time that ever comes; any would do.
const LOOKED_AT_FROM: Timestamp = Timestamp::constant(1_767_225_600, 0);

impl Directory {
    /// The next time of a schedule behind `after`; `None` where there is none.
    #[must_use]
    pub fn next_time(&self, when: &When, after: Timestamp) -> Option<Timestamp> {
        when.next(after, when.calendar.as_ref().and_then(|name| self.calendar(name)))
    }

    /// When something may go over a channel that is to go at a time: then, or when the channel's window opens next.
    #[must_use]
    pub fn opens(&self, channel: &str, at: Timestamp) -> Timestamp {
        let window = self.channel(channel).and_then(|channel| channel.window.as_ref());
        window.map_or(at, |window| window.opens(at, self.calendar_of(window)))
    }

    /// What a delivery over a channel waits for, where its window is closed at a time: when it opens, and that as clocks there
    /// show it, `2026-11-30 06:00 Europe/Berlin`.
    #[must_use]
    pub fn waits(&self, channel: &str, at: Timestamp) -> Option<(Timestamp, String)> {
        let window = self.channel(channel)?.window.as_ref()?;
        let zone = window.zone(self.calendar_of(window));
        let opens = Some(self.opens(channel, at)).filter(|opens| *opens > at)?;
        Some((opens, opens.to_zoned(zone).strftime("%F %H:%M %Q").to_string()))
    }

    /// Whether the windows of all channels are those of another directory.
    #[must_use]
    pub fn has_windows_of(&self, other: &Directory) -> bool {
        let has = |own: &Directory, other: &Directory| {
            own.channels().filter_map(|(name, channel)| Some((name, channel.window.as_ref()?))).all(|(name, window)| {
                let there = other.channel(name).and_then(|channel| channel.window.as_ref());
                there == Some(window) && own.calendar_of(window) == other.calendar_of(window)
            })
        };
        has(self, other) && has(other, self)
    }

    fn calendar_of(&self, window: &DeliveryWindow) -> Option<&super::resource::Calendar> {
        window.calendar.as_ref().and_then(|name| self.calendar(name))
    }

    /// What is wrong with a schedule that stands under `key`.
    pub(super) fn check_when(&self, key: &str, when: &When, found: &mut Vec<String>) {
        let before = found.len();
        self.check_calendar(&format!("{key}.calendar"), when.calendar.as_ref(), found);
        let calendar = when.calendar.as_ref().and_then(|name| self.calendar(name));
        found.extend(when.schedule(calendar).err().map(|why| format!("{key}.{why}")));
        if found.len() == before && when.next(LOOKED_AT_FROM, calendar).is_none() {
            let of = when.calendar.as_deref().unwrap_or_default();
            found.push(format!(
                "{key}.calendar: expected a time in the working time of {of}, found none that ever comes"
            ));
        }
    }

    pub(super) fn check_times(&self, channel: &Channel, found: &mut Vec<String>) {
        if let Some(when) = channel.pickup.as_ref().and_then(|pickup| pickup.schedule.as_ref()) {
            self.check_when("pickup.schedule", when, found);
        }
        let Some(window) = &channel.window else { return };
        window.check(found);
        self.check_calendar("window.calendar", window.calendar.as_ref(), found);
        if channel.way == Way::In {
            found.push("window: expected in a channel of way out, over which deliveries go".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::resource::parse;
    use super::*;

    fn directory(more: &str) -> Result<Directory, String> {
        let yaml = format!(
            "{{kind: calendar, name: office, time_zone: Europe/Berlin, from: '08:00', to: '17:00'}}\n---\n{more}"
        );
        let told = |errors: Vec<super::super::ResourceError>| {
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        Directory::new(&parse("f", &yaml).expect("resources")).map_err(told)
    }

    const LAMPS: &str = "kind: channel, name: lamps, transport: http, way: out, url: 'https://lamps.example/in'";

    #[test]
    fn what_waits_is_told_as_clocks_there_show_it() {
        let directory = directory(&format!("{{{LAMPS}, window: {{calendar: office}}}}")).expect("fit");
        let friday: Timestamp = "2026-11-27T16:00:00Z".parse().expect("a time");
        let monday: Timestamp = "2026-11-30T07:00:00Z".parse().expect("a time");
        assert_eq!(directory.waits("lamps", friday), Some((monday, "2026-11-30 08:00 Europe/Berlin".to_owned())));
        assert_eq!((directory.opens("lamps", friday), directory.waits("lamps", monday)), (monday, None));
        assert_eq!(directory.opens("nobody", friday), friday);
    }

    #[test]
    fn a_window_changes_with_its_calendar_too() {
        let of = |more: &str| directory(&format!("{{{LAMPS}{more}}}")).expect("fit");
        let (open, office) = (of(""), of(", window: {calendar: office}"));
        assert!(office.has_windows_of(&of(", window: {calendar: office}")) && open.has_windows_of(&of("")));
        assert!(!open.has_windows_of(&office) && !office.has_windows_of(&open));
        let other =
            format!("{{kind: calendar, name: office, time_zone: UTC}}\n---\n{{{LAMPS}, window: {{calendar: office}}}}");
        let other = Directory::new(&parse("f", &other).expect("resources")).expect("fit");
        assert!(!office.has_windows_of(&other));
    }

    #[test]
    fn err_times_that_do_not_fit() {
        let folder = |pickup: &str| {
            format!(
                "{{kind: channel, name: a, transport: folder, way: in, folder: /in, pickup: {{then: keep, {pickup}}}}}"
            )
        };
        for (more, expected) in [
            (
                folder("schedule: {cron: '0 25 * * *'}"),
                "pickup.schedule.cron: expected 0 to 23 for the hour at character 3",
            ),
            (folder("schedule: {at: ['08:00'], calendar: offic}"), "pickup.schedule.calendar: "),
            (
                folder("schedule: {at: ['20:00'], calendar: office}"),
                "pickup.schedule.calendar: expected a time in the working time of office",
            ),
            (folder("schedule: {at: ['20:00'], days: [mon]}"), "unknown key days"),
            (format!("{{{LAMPS}, window: {{calendar: offic}}}}"), "window.calendar: "),
            (format!("{{{LAMPS}, window: {{from: '06:00'}}}}"), "window: expected from and to, or a calendar"),
            (
                "{kind: channel, name: a, transport: http, way: in, auth: token, window: {calendar: office}}"
                    .to_owned(),
                "window: expected in a channel of way out",
            ),
        ] {
            let told = directory(&more).err().unwrap_or_default();
            assert!(told.contains(expected), "{more}: {told}");
        }
        assert!(directory(&folder("schedule: {cron: '*/15 6-20 * * mon-fri', calendar: office}")).is_ok());
    }
}
