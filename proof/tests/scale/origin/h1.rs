//! One connection over HTTP/1.1, with or without TLS below.

use std::sync::Arc;

use tokio::io::{AsyncWriteExt as _, BufReader};

use super::answer::{Answer, SURPLUS};
use super::fault::Fault;
use super::request::{self, Length, Over};
use super::{Wire, reset_on_close};
use crate::ledger::Ledger;
use crate::plan::{Framing, Plan};
use crate::rng::Rng;

type Reader = BufReader<Box<dyn Wire>>;

pub(super) async fn serve(wire: Box<dyn Wire>, ledger: &Arc<Ledger>) {
    let mut reader = BufReader::new(wire);
    loop {
        match visit(&mut reader, ledger).await {
            Ok(Next::Stay) => {}
            Ok(Next::Leave) | Err(Over::Left) => return,
            Ok(Next::Reset) => return reset_on_close(reader.get_ref().socket()),
            Err(Over::Offence(text)) => return ledger.offence(text),
        }
    }
}

/// What becomes of the connection.
enum Next {
    Stay,
    Leave,
    Reset,
}

/// Reads one request and answers it, or does not.
async fn visit(reader: &mut Reader, ledger: &Ledger) -> Result<Next, Over> {
    let (plan, length) = request::head(reader, ledger).await?;
    let nth = ledger.saw(plan.n, |seen| seen.heads += 1).heads;
    let mut rng = plan.visit(nth);
    let fault = Fault::of(&plan, &mut rng);
    ledger.did(fault.name());
    let leave = if rng.often(500) { Next::Reset } else { Next::Leave };
    match fault {
        Fault::AfterHead => return Ok(leave),
        Fault::Early | Fault::EarlyAndLeaves => {
            ledger.saw(plan.n, |seen| seen.early += 1);
            let answer = Answer::of(&plan, fault == Fault::EarlyAndLeaves, &mut rng);
            write(reader, &answer.bytes, &mut rng).await?;
            if fault == Fault::EarlyAndLeaves || plan.framing == Framing::Close {
                return Ok(Next::Leave);
            }
            read(reader, &plan, &length, ledger).await?;
            return Ok(Next::Stay);
        }
        _ => {}
    }
    if plan.expect {
        write(reader, b"HTTP/1.1 100 Continue\r\n\r\n", &mut rng).await?;
    }
    if fault == Fault::InUpload {
        let most = rng.below(plan.request_body().len());
        request::body(reader, &plan, &length, Some(most)).await?;
        return Ok(leave);
    }
    read(reader, &plan, &length, ledger).await?;
    if fault == Fault::Unanswered {
        return Ok(leave);
    }
    if fault == Fault::Slow {
        turns(200, &mut rng).await;
    }
    let Answer { mut bytes, begins, head } = Answer::of(&plan, fault == Fault::SaysClose, &mut rng);
    match fault {
        Fault::InHead => {
            bytes.truncate(begins + 1 + rng.below(head - begins - 1));
            write(reader, &bytes, &mut rng).await?;
            return Ok(leave);
        }
        Fault::InBody => {
            bytes.truncate(head + rng.below(bytes.len() - head));
            write(reader, &bytes, &mut rng).await?;
            // Where only its end tells the end of the body, an orderly one would be a lie.
            return Ok(if plan.framing == Framing::Close { Next::Reset } else { leave });
        }
        Fault::Surplus => {
            bytes.extend(SURPLUS);
            // In one piece: what comes later may be taken for the answer to the next request by anybody.
            reader.write_all(&bytes).await?;
            reader.flush().await?;
            return Ok(Next::Stay);
        }
        _ => write(reader, &bytes, &mut rng).await?,
    }
    match fault {
        _ if plan.framing == Framing::Close => return Ok(Next::Leave),
        // A reset takes what was not read with it.
        Fault::AfterAnswer | Fault::SaysClose => return Ok(Next::Leave),
        Fault::WhileIdle => turns(50, &mut rng).await,
        Fault::AtReuse => {
            // Fails, or is over at once, where the client has left.
            let _ = reader.get_ref().socket().peek(&mut [0]).await;
        }
        _ => return Ok(Next::Stay),
    }
    Ok(leave)
}

/// The whole body, and with that the request is executed.
async fn read(reader: &mut Reader, plan: &Plan, length: &Length, ledger: &Ledger) -> Result<(), Over> {
    request::body(reader, plan, length, None).await?;
    ledger.saw(plan.n, |seen| seen.whole += 1);
    Ok(())
}

/// In one piece or in some.
async fn write(reader: &mut Reader, mut bytes: &[u8], rng: &mut Rng) -> Result<(), Over> {
    while rng.often(200) && bytes.len() > 1 {
        let (piece, rest) = bytes.split_at(1 + rng.below(bytes.len() - 1));
        reader.write_all(piece).await?;
        reader.flush().await?;
        tokio::task::yield_now().await;
        bytes = rest;
    }
    reader.write_all(bytes).await?;
    reader.flush().await?;
    Ok(())
}

/// Lets everything else on the origins' thread go on for a while.
async fn turns(most: usize, rng: &mut Rng) {
    for _ in 0..rng.below(most) {
        tokio::task::yield_now().await;
    }
}
