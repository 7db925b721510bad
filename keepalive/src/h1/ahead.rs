//! What of a response's body was taken in before anybody asked for it.

use std::collections::VecDeque;
use std::task::Poll;

use bytes::Bytes;
use http_body::SizeHint;

use super::BodyEvent;
use crate::Error;

/// A body of at most this many bytes is taken in with the head if it has come with it.
pub(crate) const SMALL_BODY: u64 = 64 * 1024;

/// About what a piece costs beside its bytes.
const PIECE: u64 = 64;

/// Events in the order in which they came. One alone, as of nearly all small bodies, costs no allocation.
#[derive(Default)]
pub(crate) struct Ahead {
    first: Option<Result<BodyEvent, Error>>,
    #[expect(clippy::box_collection, reason = "few have it, and every request has room for it")]
    more: Option<Box<VecDeque<Result<BodyEvent, Error>>>>,
}

impl Ahead {
    pub(crate) fn next(&mut self) -> Option<Result<BodyEvent, Error>> {
        self.first.take().or_else(|| self.more.as_mut()?.pop_front())
    }

    pub(crate) fn push(&mut self, event: Result<BodyEvent, Error>) {
        if self.is_empty() {
            self.first = Some(event);
        } else {
            self.more.get_or_insert_default().push_back(event);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.as_ref().is_none_or(|more| more.is_empty())
    }

    /// Takes what `poll` has, as long as that is little: a whole body in one piece, or whatever else it was.
    pub(crate) fn take_small(
        mut poll: impl FnMut() -> Poll<Result<BodyEvent, Error>>,
    ) -> Result<Bytes, Self> {
        let mut ahead = Self::default();
        let mut taken = 0;
        while taken <= SMALL_BODY {
            match poll() {
                Poll::Ready(Ok(BodyEvent::End)) => {
                    return match ahead.first.take() {
                        None => Ok(Bytes::new()),
                        Some(Ok(BodyEvent::Data(data))) if ahead.is_empty() => Ok(data),
                        first => Err(Self { first, ..ahead }),
                    };
                }
                Poll::Ready(Ok(event)) => {
                    taken += weight(&event);
                    ahead.push(Ok(event));
                }
                Poll::Ready(Err(error)) => {
                    ahead.push(Err(error));
                    break;
                }
                Poll::Pending => break,
            }
        }
        Err(ahead)
    }

    /// The size of what is here and of what is still to come.
    pub(crate) fn add_to(&self, rest: SizeHint) -> SizeHint {
        let (mut ahead, mut trailers) = (0, false);
        for event in self.first.iter().chain(self.more.iter().flat_map(|more| more.iter())) {
            match event {
                Ok(BodyEvent::Data(data)) => ahead += data.len() as u64,
                Ok(BodyEvent::Trailers(_)) => trailers = true,
                _ => {}
            }
        }
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(ahead));
        // As the body of a request it must not get a length, which would leave no room for the trailers.
        if let Some(upper) = rest.upper().filter(|_| !trailers).and_then(|upper| upper.checked_add(ahead)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// What an event counts towards [`SMALL_BODY`]: a piece is never free, or a million of one byte would be small.
fn weight(event: &BodyEvent) -> u64 {
    match event {
        BodyEvent::Data(data) => data.len() as u64 + PIECE,
        _ => PIECE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(length: usize) -> Poll<Result<BodyEvent, Error>> {
        Poll::Ready(Ok(BodyEvent::Data(vec![b'x'; length].into())))
    }

    /// What it makes of these events, all of which are there.
    fn take(events: Vec<Poll<Result<BodyEvent, Error>>>) -> Result<Bytes, Ahead> {
        let mut events = events.into_iter();
        Ahead::take_small(|| events.next().unwrap_or(Poll::Pending))
    }

    fn end() -> Poll<Result<BodyEvent, Error>> {
        Poll::Ready(Ok(BodyEvent::End))
    }

    #[test]
    fn one_piece_is_the_whole_body() {
        assert_eq!(take(vec![end()]).ok().unwrap(), "");
        assert_eq!(take(vec![data(5), end()]).ok().unwrap(), "xxxxx");
        assert_eq!(
            take(vec![data(SMALL_BODY as usize - 64), end()]).ok().unwrap().len() as u64,
            SMALL_BODY - 64
        );
    }

    #[test]
    fn what_is_not_one_piece_comes_in_its_order() {
        let trailers = Poll::Ready(Ok(BodyEvent::Trailers(Box::default())));
        let mut ahead = take(vec![data(5), data(3), trailers, end()]).err().unwrap();
        let mut seen = Vec::new();
        while let Some(event) = ahead.next() {
            assert!(!seen.is_empty() || !ahead.is_empty());
            seen.push(match event.unwrap() {
                BodyEvent::Data(data) => data.len().to_string(),
                BodyEvent::Trailers(_) => "trailers".to_owned(),
                _ => "another".to_owned(),
            });
        }
        assert!(ahead.is_empty());
        assert_eq!(seen, ["5", "3", "trailers"]);
    }

    /// Neither one large piece nor many small ones: each counts for more than its bytes.
    #[test]
    fn no_more_is_taken_than_is_small() {
        for (length, taken) in [(1, 1009), (1000, 62), (SMALL_BODY as usize, 1)] {
            let mut count = 0;
            let ahead = Ahead::take_small(|| {
                count += 1;
                data(length)
            });
            assert!(ahead.is_err());
            assert_eq!(count, taken, "of {length} bytes");
        }
    }

    #[test]
    fn its_size_is_added_to_that_of_the_rest() {
        let hint = |events, rest: SizeHint| {
            let hint = take(events).err().unwrap().add_to(rest);
            (hint.lower(), hint.upper())
        };
        assert_eq!(hint(vec![data(5), data(3)], SizeHint::with_exact(10)), (18, Some(18)));
        assert_eq!(hint(vec![data(5), data(3)], SizeHint::default()), (8, None));
        let trailers = Poll::Ready(Ok(BodyEvent::Trailers(Box::default())));
        assert_eq!(
            hint(vec![data(5), trailers, end()], SizeHint::with_exact(0)),
            (5, None),
            "room for trailers"
        );
    }
}
