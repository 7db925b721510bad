//! What goes wrong in one visit of a request to an origin.

use crate::plan::{Framing, Plan, Upload};
use crate::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Leaves when the head was read.
    AfterHead,
    /// Leaves in the middle of the request's body.
    InUpload,
    /// Leaves when the request was read to its end, without a word.
    Unanswered,
    /// Leaves in the middle of the answer's head.
    InHead,
    /// Leaves in the middle of the answer's body, or of its framing.
    InBody,
    /// Answers as if it stayed, and leaves at once.
    AfterAnswer,
    /// Answers as if it stayed, and leaves a little later.
    WhileIdle,
    /// Answers as if it stayed, and leaves without reading when the next request comes.
    AtReuse,
    /// Says that it leaves, and does.
    SaysClose,
    /// Sends a second answer that nobody asked for with the first.
    Surplus,
    /// Answers before it reads the body, reads that, and stays.
    Early,
    /// Answers before it reads the body, and leaves.
    EarlyAndLeaves,
    /// Takes its time.
    Slow,
}

impl Fault {
    pub(super) fn of(plan: &Plan, rng: &mut Rng) -> Self {
        let fault = match rng.below(1000) {
            0..15 => Self::AfterHead,
            15..30 => Self::InUpload,
            30..50 => Self::Unanswered,
            50..65 => Self::InHead,
            65..80 => Self::InBody,
            80..100 => Self::AfterAnswer,
            100..120 => Self::WhileIdle,
            120..150 => Self::AtReuse,
            150..170 => Self::SaysClose,
            170..190 => Self::Surplus,
            190..205 => Self::Early,
            205..215 => Self::EarlyAndLeaves,
            215..245 => Self::Slow,
            _ => Self::None,
        };
        match fault {
            // A second answer behind a body without an end is more of the body.
            Self::Surplus if plan.framing == Framing::Close => Self::None,
            Self::InUpload | Self::Early | Self::EarlyAndLeaves if plan.upload == Upload::Empty => Self::None,
            fault => fault,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "answered well",
            Self::AfterHead => "left after the request's head",
            Self::InUpload => "left in the request's body",
            Self::Unanswered => "executed, and left without a word",
            Self::InHead => "executed, and left in the answer's head",
            Self::InBody => "executed, and left in the answer's body",
            Self::AfterAnswer => "left right after the answer",
            Self::WhileIdle => "left while idle",
            Self::AtReuse => "left as the next request came",
            Self::SaysClose => "said that it leaves",
            Self::Surplus => "sent an answer too many",
            Self::Early => "answered early, and read on",
            Self::EarlyAndLeaves => "answered early, and left",
            Self::Slow => "answered slowly",
        }
    }
}
