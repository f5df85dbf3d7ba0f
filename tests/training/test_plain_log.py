"""The published log: the same text, whatever happened while it was written."""

from rawtone.training.history import parse
from rawtone.training.plain_log import plain

START = "start at step 0 of 40: run a, 2026-11-21T02:00:00Z, host, pid 1, 2 threads\n"
FIRST = "step 10 - loss = 5.545, (0.100 sec/step)\nstep 20 - loss = 4.100, (0.100 sec/step)\n"
SECOND = "validation at step 20 - loss = 0.693, 1.000 bits\nstep 30 - loss = nan, (2.0 sec/step)\n"
RESUME = "resume at step 10 of 40: after SIGTERM, run a, 2026, other, pid 7, 8 threads\n"
AGAIN = "step 20 - loss = 4.100, (9.900 sec/step)\n"


def test_restarts_times_and_hosts_leave_no_trace() -> None:
    undisturbed = plain(START + FIRST + SECOND, [], None)
    killed = plain(START + FIRST + "stop at step 22: SIGTERM\n" + RESUME + AGAIN + SECOND, [], None)
    assert killed == undisturbed
    assert undisturbed == (
        "step 10 - loss = 5.545 nats\n"
        "step 20 - loss = 4.100 nats\n"
        "validation at step 20 - loss = 0.693, 1.000 bits\n"
        "step 30 - loss = nan nats\n"
    )


def test_it_reads_back_as_what_was_learned() -> None:
    rows = parse(START + FIRST + SECOND)
    again = parse(plain(START + FIRST + SECOND, [], None))
    assert [(row.step, row.validation_loss) for row in again] == [
        (row.step, row.validation_loss) for row in rows
    ]


def test_going_back_is_part_of_what_was_learned() -> None:
    """Each time with the factor that the rate then had, before the steps that followed."""
    text = plain(START + FIRST, [{"at": 15, "to": 10}, {"at": 13, "to": 10}], 0.5)
    assert text.splitlines() == [
        "step 10 - loss = 5.545 nats",
        "roll back to step 10: learning rate x 0.5",
        "roll back to step 10: learning rate x 0.25",
        "step 20 - loss = 4.100 nats",
    ]
    assert [row.restart for row in parse(text)] == ["", "automatic"]


def test_a_torn_line_is_not_taken_for_one_without_a_time() -> None:
    assert parse("step 10 - loss = 5.545\n") == []
