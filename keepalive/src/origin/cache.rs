//! The origins of this thread's last requests, by the text of their URLs.
//!
//! Most requests go where one went a moment ago. Finding that origin here spares taking the authority
//! apart, two allocations and a SipHash; and since the pool then meets the `Origin` that it has, comparing
//! the two is comparing two pointers. It is a help only: a miss makes an equal origin.
//!
//! Never in it: user information (a password), and origins with TLS settings of their own, which would live
//! on here with their keys. Bounded: [`SLOTS`] entries per thread of [`LONGEST`] bytes of text; each text has
//! one slot, the last one to come has it.

use std::cell::RefCell;
use std::net::IpAddr;

use super::Place;

/// More origins than one thread talks to at a time, as a rule.
const SLOTS: usize = 64;

/// The longest name in DNS has 253 bytes, and `:65535` follows.
const LONGEST: usize = 259;

struct Entry {
    /// As the URL had it, not in lower case.
    authority: Box<str>,
    place: Place,
}

thread_local! {
    static LATELY: RefCell<[Option<Entry>; SLOTS]> = const { RefCell::new([const { None }; SLOTS]) };
}

/// What was made of such a URL, if one was on this thread lately.
pub(super) fn find(secure: bool, authority: &str, local_address: Option<IpAddr>) -> Option<Place> {
    let find = |lately: &RefCell<[Option<Entry>; SLOTS]>| {
        let lately = lately.borrow();
        let entry = lately[slot(authority)].as_ref()?;
        let same = *entry.authority == *authority
            && entry.place.origin.is_secure() == secure
            && entry.place.origin.local_address() == local_address;
        same.then(|| entry.place.clone())
    };
    // A thread that ends may still have requests.
    LATELY.try_with(find).ok().flatten()
}

/// Keeps what was made of such a URL.
pub(super) fn keep(authority: &str, place: &Place) {
    if authority.len() > LONGEST || authority.contains('@') {
        return;
    }
    let entry = Entry { authority: authority.into(), place: place.clone() };
    // If the thread ends, nobody will ask.
    _ = LATELY.try_with(|lately| lately.borrow_mut()[slot(authority)].replace(entry));
}

/// Who shares a slot only takes longer, so this need not withstand an attack.
fn slot(authority: &str) -> usize {
    /// 2^64 divided by the golden ratio: spreads what differs in a few bits over the upper ones.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = authority.as_bytes().chunks_exact(8);
    let rest = words.remainder().iter().fold(0, |rest, &byte| rest << 8 | u64::from(byte));
    let words = words.map(|word| word.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
    let mixed = words.fold(rest, |mixed, word| (mixed ^ word).wrapping_mul(SPREAD).rotate_left(29));
    (mixed.wrapping_mul(SPREAD) >> (u64::BITS - SLOTS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;

    fn origin(authority: &str) -> Origin {
        Origin::from_uri(&format!("http://{authority}/").parse().unwrap()).unwrap()
    }

    #[test]
    fn the_same_text_is_the_same_origin() {
        let made = origin("A.example:81");
        let found = find(false, "A.example:81", None).unwrap();
        assert!(std::sync::Arc::ptr_eq(&found.origin.0, &made.0));
        assert!(find(false, "a.example:81", None).is_none(), "another text");
        assert!(find(true, "A.example:81", None).is_none(), "another scheme");
        assert!(find(false, "A.example:81", Some(IpAddr::from([127, 0, 0, 2]))).is_none());
        assert_eq!(origin("a.example:81"), made);
    }

    #[test]
    fn secrets_and_long_texts_stay_out() {
        for authority in ["me:secret@a.example", &"a".repeat(LONGEST + 1)] {
            origin(authority);
            assert!(find(false, authority, None).is_none());
        }
        let longest = "a".repeat(LONGEST);
        origin(&longest);
        assert!(find(false, &longest, None).is_some());
    }

    #[test]
    fn the_last_to_come_has_the_slot() {
        let all: Vec<_> = (0..=SLOTS).map(|number| format!("{number}.example")).collect();
        let origins: Vec<_> = all.iter().map(|authority| origin(authority)).collect();
        let kept: Vec<_> = all.iter().filter_map(|authority| find(false, authority, None)).collect();
        assert!(kept.len() < all.len(), "two of them share a slot");
        assert!(kept.len() > SLOTS / 2, "the slots are used: {}", kept.len());
        assert!(kept.iter().all(|kept| origins.contains(&kept.origin)));
        assert_eq!(find(false, &all[SLOTS], None).map(|kept| kept.origin), origins.last().cloned());
    }
}
