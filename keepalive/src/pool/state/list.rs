//! A doubly linked list threaded through a slab: push, pop and remove anywhere in O(1), no allocation.
//!
//! A node carries one [`Links`] per list it may stand in (`N` says which); it stands in at most one
//! list of each `N` at a time. Only `pool::state` uses it.

use slab::Slab;

/// The neighbours of a node in one list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Links {
    prev: Option<usize>,
    next: Option<usize>,
}

/// A slab entry that can stand in list number `N`.
pub(super) trait Linked<const N: usize> {
    fn links(&self) -> &Links;
    fn links_mut(&mut self) -> &mut Links;
}

/// Both ends of a list whose nodes live in a slab.
#[derive(Debug, Default)]
pub(super) struct List<const N: usize> {
    head: Option<usize>,
    tail: Option<usize>,
    len: usize,
}

impl<const N: usize> List<N> {
    pub(super) fn push_back<T: Linked<N>>(&mut self, slab: &mut Slab<T>, key: usize) {
        self.insert_after(slab, self.tail, key);
    }

    /// Puts `key` behind `after`, or at the front for `None`.
    pub(super) fn insert_after<T: Linked<N>>(
        &mut self,
        slab: &mut Slab<T>,
        after: Option<usize>,
        key: usize,
    ) {
        let next = match after {
            Some(after) => slab[after].links_mut().next.replace(key),
            None => self.head.replace(key),
        };
        match next {
            Some(next) => slab[next].links_mut().prev = Some(key),
            None => self.tail = Some(key),
        }
        *slab[key].links_mut() = Links { prev: after, next };
        self.len += 1;
    }

    /// Takes `key` out; it must stand in this list.
    pub(super) fn remove<T: Linked<N>>(&mut self, slab: &mut Slab<T>, key: usize) {
        let Links { prev, next } = std::mem::take(slab[key].links_mut());
        match prev {
            Some(prev) => slab[prev].links_mut().next = next,
            None => self.head = next,
        }
        match next {
            Some(next) => slab[next].links_mut().prev = prev,
            None => self.tail = prev,
        }
        self.len -= 1;
    }

    pub(super) fn front(&self) -> Option<usize> {
        self.head
    }

    pub(super) fn back(&self) -> Option<usize> {
        self.tail
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The keys from front to back.
    pub(super) fn iter<'a, T: Linked<N>>(&self, slab: &'a Slab<T>) -> impl Iterator<Item = usize> + 'a {
        std::iter::successors(self.head, |&key| slab[key].links().next)
    }

    /// The keys from back to front.
    pub(super) fn iter_back<'a, T: Linked<N>>(&self, slab: &'a Slab<T>) -> impl Iterator<Item = usize> + 'a {
        std::iter::successors(self.tail, |&key| slab[key].links().prev)
    }
}

/// The keys behind `key`, `key` itself first.
pub(super) fn from<const N: usize, T: Linked<N>>(
    slab: &Slab<T>,
    key: usize,
) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(Some(key), |&key| slab[key].links().next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Node(Links);

    impl Linked<0> for Node {
        fn links(&self) -> &Links {
            &self.0
        }
        fn links_mut(&mut self) -> &mut Links {
            &mut self.0
        }
    }

    fn keys(list: &List<0>, slab: &Slab<Node>) -> Vec<usize> {
        let forward: Vec<_> = list.iter(slab).collect();
        let mut back: Vec<_> = list.iter_back(slab).collect();
        back.reverse();
        assert_eq!(forward, back);
        assert_eq!(forward.len(), list.len());
        assert_eq!((list.front(), list.back()), (forward.first().copied(), forward.last().copied()));
        forward
    }

    #[test]
    fn removes_from_front_middle_and_back() {
        let mut slab = Slab::new();
        let mut list = List::<0>::default();
        let node: Vec<_> = (0..4).map(|_| slab.insert(Node::default())).collect();
        for &key in &node {
            list.push_back(&mut slab, key);
        }
        list.remove(&mut slab, node[1]);
        assert_eq!(keys(&list, &slab), [node[0], node[2], node[3]]);
        list.remove(&mut slab, node[0]);
        list.remove(&mut slab, node[3]);
        assert_eq!(keys(&list, &slab), [node[2]]);
        list.remove(&mut slab, node[2]);
        assert!(keys(&list, &slab).is_empty() && list.is_empty());
    }

    #[test]
    fn inserts_at_the_front_and_in_the_middle() {
        let mut slab = Slab::new();
        let mut list = List::<0>::default();
        let node: Vec<_> = (0..3).map(|_| slab.insert(Node::default())).collect();
        list.push_back(&mut slab, node[0]);
        list.insert_after(&mut slab, None, node[1]);
        list.insert_after(&mut slab, Some(node[1]), node[2]);
        assert_eq!(keys(&list, &slab), [node[1], node[2], node[0]]);
        assert_eq!(from(&slab, node[2]).collect::<Vec<_>>(), [node[2], node[0]]);
    }
}
