use super::{Crowd, Machine, Work};

const SIZE: usize = 10;

/// Requests waiting, sockets in use, idle, origins.
fn sizes(machine: &Machine) -> (usize, usize, usize, usize) {
    let snapshot = machine.state.snapshot();
    (snapshot.waiters, snapshot.counts.active, snapshot.counts.idle, snapshot.origins.len())
}

#[test]
fn a_machine_has_the_size_asked_for_and_keeps_it() {
    for (work, crowd, expected) in [
        (Work::CheckOut, Crowd::Waiters, (10, 1, 1, 2)),
        (Work::CheckOut, Crowd::Origins, (0, 0, 10, 10)),
        (Work::CheckOutHinted, Crowd::Idle, (0, 0, 10, 1)),
        (Work::HandOver, Crowd::Waiters, (10, 1, 0, 1)),
        (Work::HandOver, Crowd::Origins, (10, 10, 0, 10)),
        (Work::HandOver, Crowd::Idle, (1, 1, 10, 11)),
        (Work::Leave, Crowd::Waiters, (10, 1, 0, 1)),
        (Work::Leave, Crowd::Origins, (10, 10, 0, 10)),
        (Work::Leave, Crowd::Idle, (1, 1, 10, 11)),
        (Work::Evict, Crowd::Waiters, (10, 1, 0, 2)),
        (Work::Evict, Crowd::Origins, (10, 1, 0, 10)),
    ] {
        let mut machine = Machine::new(work, crowd, SIZE);
        assert_eq!(sizes(&machine), expected, "{work:?} {crowd:?}");
        (0..3 * SIZE).for_each(|_| machine.step());
        assert_eq!(sizes(&machine), expected, "{work:?} {crowd:?} after the steps");
    }
}

#[test]
fn a_step_does_what_its_work_says() {
    let steps = 7;
    let totals = |work, crowd| {
        let mut machine = Machine::new(work, crowd, SIZE);
        assert!(sizes(&machine).0 >= SIZE || crowd != Crowd::Waiters);
        let before = machine.state.snapshot().totals;
        (0..steps).for_each(|_| machine.step());
        let after = machine.state.snapshot().totals;
        (after.done - before.done, after.cancelled - before.cancelled, after.opened - before.opened)
    };
    assert_eq!(totals(Work::CheckOut, Crowd::Idle), (steps, 0, 0));
    assert_eq!(totals(Work::HandOver, Crowd::Waiters), (steps, 0, 0));
    assert_eq!(totals(Work::Leave, Crowd::Waiters), (0, steps, 0));
    assert_eq!(totals(Work::Evict, Crowd::Origins), (steps, 0, steps));
    assert_eq!(totals(Work::Burst, Crowd::Waiters), (0, 0, steps));
}

#[test]
fn a_hinted_socket_is_due_before_the_others() {
    let due = |work| Machine::new(work, Crowd::Idle, 1).state.next_deadline();
    let until = |work| due(work).map(|at| at - Machine::new(work, Crowd::Idle, 1).now);
    assert!(until(Work::CheckOutHinted) < until(Work::CheckOut));
}
