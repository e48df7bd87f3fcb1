//! Who guessed too often is not heard for a while. Failures are counted by address and by user; both forget with time, and
//! what is counted is bounded. Time comes in as an argument; nothing is kept beyond the process.
//!
//! A user who is guessed at is barred from passwords only: who holds the user's key comes in all the same, so that nobody
//! can keep a partner out by guessing.

use crate::clock::Timestamp;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

/// Failures of an address within [`WINDOW`] until it is not heard any more.
pub const ADDRESS_FAILURES_MAX: u32 = 10;
/// Wrong passwords for a user within [`WINDOW`] until no password will do.
pub const USER_FAILURES_MAX: u32 = 20;
/// How long a failure counts.
pub const WINDOW: Duration = Duration::from_secs(10 * 60);
/// How long a ban lasts.
pub const BAN: Duration = Duration::from_secs(15 * 60);
/// Addresses and users that are counted at once, each; beyond it those whose last failure is oldest are forgotten.
pub const COUNTED_MAX: usize = 10_000;

/// Failures, and who is banned for them.
#[derive(Debug, Default)]
pub struct Bans {
    addresses: HashMap<IpAddr, Count>,
    users: HashMap<String, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    since: Timestamp,
    last: Timestamp,
    until: Option<Timestamp>,
}

/// What a failure led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Banned {
    /// The address is banned now.
    pub address: bool,
    /// The user's password is barred now.
    pub user: bool,
}

impl Bans {
    /// Whether an address is heard.
    #[must_use]
    pub fn hears(&self, address: IpAddr, now: Timestamp) -> bool {
        !is_banned(self.addresses.get(&source(address)), now)
    }

    /// Whether passwords of a user are looked at.
    #[must_use]
    pub fn takes_passwords(&self, user: &str, now: Timestamp) -> bool {
        !is_banned(self.users.get(user), now)
    }

    /// Notes a failure; `user` where a password was wrong.
    pub fn failed(&mut self, address: IpAddr, user: Option<&str>, now: Timestamp) -> Banned {
        Banned {
            address: count(&mut self.addresses, source(address), ADDRESS_FAILURES_MAX, now),
            user: user.is_some_and(|user| count(&mut self.users, user.to_owned(), USER_FAILURES_MAX, now)),
        }
    }

    /// Who came in by the right proof starts anew.
    pub fn succeeded(&mut self, address: IpAddr) {
        self.addresses.remove(&source(address));
    }

    /// The addresses that are banned, with the end of each ban.
    #[must_use]
    pub fn addresses(&self, now: Timestamp) -> Vec<(IpAddr, Timestamp)> {
        banned(&self.addresses, now)
    }

    /// The users whose password is barred, with the end of that. What a stranger typed may be among them.
    #[must_use]
    pub fn users(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        banned(&self.users, now)
    }

    /// Hears an address again, which starts anew. Whether it was banned.
    pub fn lift_address(&mut self, address: IpAddr, now: Timestamp) -> bool {
        lift(&mut self.addresses, &source(address), now)
    }

    /// Takes passwords of a user again, who starts anew. Whether they were barred.
    pub fn lift_user(&mut self, user: &str, now: Timestamp) -> bool {
        lift(&mut self.users, &user.to_owned(), now)
    }
}

/// What is counted as one: an IPv4 address, or the /64 that one household or server has of IPv6.
pub(super) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
        four => four,
    }
}

fn is_banned(count: Option<&Count>, now: Timestamp) -> bool {
    // One that failed last in a time to come did so before the clock was set back by more than a day.
    count.filter(|count| count.last <= now).and_then(|count| count.until).is_some_and(|until| until > now)
}

fn banned<K: Ord + Clone>(all: &HashMap<K, Count>, now: Timestamp) -> Vec<(K, Timestamp)> {
    let banned = all.iter().filter(|(_, count)| is_banned(Some(count), now));
    let mut banned: Vec<_> = banned.filter_map(|(key, count)| Some((key.clone(), count.until?))).collect();
    banned.sort();
    banned
}

fn lift<K: Eq + Hash>(all: &mut HashMap<K, Count>, key: &K, now: Timestamp) -> bool {
    let was = is_banned(all.get(key), now);
    if was {
        all.remove(key);
    }
    was
}

/// Counts a failure; whether it is the one that bans.
fn count<K: Eq + Hash + Clone>(all: &mut HashMap<K, Count>, key: K, most: u32, now: Timestamp) -> bool {
    if all.len() >= COUNTED_MAX && !all.contains_key(&key) {
        all.retain(|_, count| is_banned(Some(count), now) || count.last + WINDOW > now);
        if all.len() >= COUNTED_MAX
            && let Some(oldest) = all.iter().min_by_key(|(_, count)| count.last).map(|(key, _)| key.clone())
        {
            all.remove(&oldest);
        }
    }
    let fresh = Count { failures: 0, since: now, last: now, until: None };
    let found = all.entry(key).or_insert(fresh);
    if found.last > now || found.since + WINDOW <= now || found.until.is_some_and(|until| until <= now) {
        *found = fresh;
    }
    found.failures += 1;
    found.last = now;
    if found.failures >= most && found.until.is_none() {
        found.until = Some(now + BAN);
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_730_400 + seconds).expect("a moment")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn who_guesses_is_banned_for_a_while_and_then_heard_again() {
        let mut bans = Bans::default();
        let guesser = address("203.0.113.7");
        for number in 1..ADDRESS_FAILURES_MAX {
            assert!(!bans.failed(guesser, Some("acme"), at(i64::from(number))).address, "{number}");
        }
        assert!(bans.hears(guesser, at(20)));
        assert!(bans.failed(guesser, Some("acme"), at(20)).address);
        assert!(!bans.hears(guesser, at(21)) && bans.hears(address("203.0.113.8"), at(21)));
        assert_eq!(bans.addresses(at(21)).len(), 1);
        let over = 20 + BAN.as_secs().cast_signed();
        assert!(!bans.hears(guesser, at(over - 1)) && bans.hears(guesser, at(over)));
        assert!(!bans.failed(guesser, None, at(over)).address, "it starts anew");
        assert!(bans.takes_passwords("acme", at(21)), "fewer than {USER_FAILURES_MAX}");
    }

    #[test]
    fn slow_failures_and_a_success_are_forgotten() {
        let mut bans = Bans::default();
        let (slow, other) = (address("2001:db8::1"), address("2001:db8::ffff:2"));
        for number in 0..50 {
            assert!(!bans.failed(slow, None, at(number * 90)).address, "{number}");
        }
        bans.succeeded(other);
        for number in 0..ADDRESS_FAILURES_MAX - 1 {
            assert!(!bans.failed(other, None, at(5_000)).address, "the same /64, {number}");
        }
        assert!(bans.failed(slow, None, at(5_001)).address, "counted together");
    }

    #[test]
    fn a_user_who_is_guessed_at_from_everywhere_takes_no_passwords() {
        let mut bans = Bans::default();
        for number in 0..USER_FAILURES_MAX {
            let from = IpAddr::from([198, 51, 100, u8::try_from(number).expect("few")]);
            assert_eq!(bans.failed(from, Some("acme"), at(0)).user, number + 1 == USER_FAILURES_MAX);
        }
        assert!(!bans.takes_passwords("acme", at(1)) && bans.takes_passwords("other", at(1)));
    }

    #[test]
    fn a_ban_that_is_lifted_is_over_and_its_failures_are_forgotten() {
        let mut bans = Bans::default();
        let guesser = address("2001:db8::1");
        assert!(!bans.lift_address(guesser, at(0)) && !bans.lift_user("acme", at(0)));
        for _ in 0..USER_FAILURES_MAX {
            bans.failed(guesser, Some("acme"), at(0));
        }
        assert_eq!(bans.users(at(1)), [("acme".to_owned(), at(0) + BAN)]);
        assert!(bans.lift_address(address("2001:db8::2"), at(1)), "the same /64");
        assert!(bans.hears(guesser, at(1)) && !bans.takes_passwords("acme", at(1)));
        assert!(bans.lift_user("acme", at(1)) && bans.takes_passwords("acme", at(1)));
        assert!(!bans.failed(guesser, Some("acme"), at(2)).address, "it starts anew");
    }

    #[test]
    fn a_ban_of_a_time_that_was_none_is_over() {
        let mut bans = Bans::default();
        let (guesser, month) = (address("203.0.113.7"), 30 * 24 * 3600);
        for _ in 0..ADDRESS_FAILURES_MAX {
            bans.failed(guesser, None, at(month));
        }
        assert!(!bans.hears(guesser, at(month)) && bans.addresses(at(month)).len() == 1);
        // The clock was a month ahead, and is set right.
        assert!(bans.hears(guesser, at(0)) && bans.addresses(at(0)).is_empty());
        assert!(!bans.failed(guesser, None, at(0)).address, "it starts anew");
    }

    #[test]
    fn what_is_counted_is_bounded() {
        let mut bans = Bans::default();
        for number in 0..u32::try_from(COUNTED_MAX).expect("few") + 500 {
            bans.failed(IpAddr::from(number.to_be_bytes()), None, at(0));
        }
        assert_eq!(bans.addresses.len(), COUNTED_MAX);
    }
}
