//! What is measured, as a table: each line is one work, which every client that can do it does in each round.
//!
//! Not who does it (`clients.rs`), nor how often and how long (`rounds`).

/// One work.
#[derive(Debug)]
pub(crate) struct Work {
    /// As on the command line, in the results and in the names of the charts.
    pub(crate) name: &'static str,
    /// As people read it.
    pub(crate) title: &'static str,
    pub(crate) ask: Ask,
    /// How many sockets a pool may open and keep.
    pub(crate) sockets: usize,
    /// How many requests are under way at once.
    pub(crate) tasks: usize,
    pub(crate) threads: usize,
    pub(crate) tls: bool,
    pub(crate) http2: bool,
    pub(crate) kind: Kind,
}

/// One request, and what comes back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask {
    Get(usize),
    Chunked(usize),
    Post(usize),
}

/// What is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests one after another in each task: CPU time for each, and how many a second.
    Steady,
    /// More tasks than sockets: how the times of the requests, which are nearly all waiting, differ.
    Queue,
    /// So many requests at once (`tasks`) by a client without sockets: what it opens for them.
    Cold,
    /// The same, of the clients alone that have a limit of open sockets.
    ColdCapped,
    /// Sockets that rest: what they hold, and whether they wake anybody.
    Idle,
}

impl Work {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        WORKS.iter().find(|work| work.name == name)
    }

    pub(crate) fn of(kind: Kind) -> impl Iterator<Item = &'static Self> {
        WORKS.iter().filter(move |work| work.kind == kind)
    }

    pub(crate) fn is_cold(&self) -> bool {
        matches!(self.kind, Kind::Cold | Kind::ColdCapped)
    }

    /// The client that nothing beats at this work, if there is one: what it takes is the limit of the rest.
    pub(crate) fn limit(&self) -> &'static str {
        if self.http2 { "h2" } else { "raw" }
    }
}

impl Ask {
    pub(crate) fn path(self) -> String {
        match self {
            Self::Get(length) => format!("/get/{length}"),
            Self::Chunked(length) => format!("/chunked/{length}"),
            Self::Post(length) => format!("/up/{length}"),
        }
    }

    pub(crate) fn method(self) -> &'static str {
        if self.upload() > 0 { "POST" } else { "GET" }
    }

    pub(crate) fn upload(self) -> usize {
        if let Self::Post(length) = self { length } else { 0 }
    }

    /// The length of a response's body.
    pub(crate) fn body(self) -> usize {
        match self {
            Self::Get(length) | Self::Chunked(length) => length,
            Self::Post(_) => 2,
        }
    }
}

pub(crate) const WORKS: &[Work] = &[
    Work { name: "get_small_1_1t", title: "small GET, 1 socket", sockets: 1, tasks: 1, ..SMALL },
    Work { name: "get_small_16_1t", title: "small GET, 16 sockets", sockets: 16, tasks: 16, ..SMALL },
    SMALL,
    Work { name: "get_small_256_1t", title: "small GET, 256 sockets", sockets: 256, tasks: 256, ..SMALL },
    Work { name: "get_small_64_2t", title: "small GET, 64 sockets, two threads", threads: 2, ..SMALL },
    Work { name: "post_4k_64_1t", title: "POST of 4 KiB, 64 sockets", ask: Ask::Post(4 * KIB), ..SMALL },
    Work { name: "get_64k_64_1t", title: "GET of 64 KiB, 64 sockets", ask: Ask::Get(64 * KIB), ..SMALL },
    Work {
        name: "chunked_64k_64_1t",
        title: "GET of 64 KiB in chunks, 64 sockets",
        ask: Ask::Chunked(64 * KIB),
        ..SMALL
    },
    Work { name: "post_64k_64_1t", title: "POST of 64 KiB, 64 sockets", ask: Ask::Post(64 * KIB), ..SMALL },
    Work { name: "get_8m_4_1t", title: "GET of 8 MiB, 4 sockets", ask: Ask::Get(8 * MIB), ..FEW },
    Work { name: "post_8m_4_1t", title: "POST of 8 MiB, 4 sockets", ask: Ask::Post(8 * MIB), ..FEW },
    Work { name: "tls_get_small_64_1t", title: "small GET over TLS, 64 sockets", tls: true, ..SMALL },
    Work { name: "h2c_get_small_1x64_1t", title: "small GET over HTTP/2, 1 socket, 64 streams", ..STREAMS },
    Work {
        name: "h2_tls_get_small_1x64_1t",
        title: "small GET over HTTP/2 and TLS, 1 socket, 64 streams",
        tls: true,
        ..STREAMS
    },
    Work {
        name: "queue_1000_on_8",
        title: "small GET, 1,000 tasks on 8 sockets",
        sockets: 8,
        tasks: 1000,
        kind: Kind::Queue,
        ..SMALL
    },
    COLD,
    Work { name: "cold_100_tls", title: "100 requests at once, cold, TLS", tls: true, ..COLD },
    Work {
        name: "cold_100_h2_tls",
        title: "100 requests at once, cold, HTTP/2 over TLS",
        tls: true,
        http2: true,
        ..COLD
    },
    Work {
        name: "cold_100_cap_5",
        title: "100 requests at once, cold, a cap of 5 sockets",
        sockets: 5,
        kind: Kind::ColdCapped,
        ..COLD
    },
    IDLE,
    Work { name: "idle_10000_tls", title: "10,000 idle sockets, TLS", tls: true, ..IDLE },
];

const SMALL: Work = Work {
    name: "get_small_64_1t",
    title: "small GET, 64 sockets",
    ask: Ask::Get(12),
    sockets: 64,
    tasks: 64,
    threads: 1,
    tls: false,
    http2: false,
    kind: Kind::Steady,
};

/// For large bodies: more sockets would only lie in wait for the one core.
const FEW: Work = Work { sockets: 4, tasks: 4, ..SMALL };

const STREAMS: Work = Work { sockets: 1, http2: true, ..SMALL };

const COLD: Work =
    Work { name: "cold_100", title: "100 requests at once, cold", tasks: 100, kind: Kind::Cold, ..SMALL };

const IDLE: Work = Work {
    name: "idle_10000_plain",
    title: "10,000 idle sockets",
    sockets: 10_000,
    tasks: 10_000,
    kind: Kind::Idle,
    ..SMALL
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_work_has_a_name_and_a_title_of_its_own() {
        let names: HashSet<_> = WORKS.iter().map(|work| work.name).collect();
        let titles: HashSet<_> = WORKS.iter().map(|work| work.title).collect();
        assert_eq!((names.len(), titles.len()), (WORKS.len(), WORKS.len()));
    }

    #[test]
    fn a_name_says_threads_and_sockets() {
        for work in Work::of(Kind::Steady) {
            let sockets = if work.http2 {
                format!("{}x{}", work.sockets, work.tasks)
            } else {
                work.sockets.to_string()
            };
            let end = format!("_{sockets}_{}t", work.threads);
            assert!(work.name.ends_with(&end), "{} does not end with {end}", work.name);
        }
    }
}
