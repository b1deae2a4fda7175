"""Agreement between reviewers is what scikit-learn says it is, and its interval holds as often as it promises."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from traintui.data.second_review import Independent
from traintui.quality.agreement import agreement, by_reasons, by_reviewers

WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def decision(one: str, who: str, action: str, reason: str | None = None, *, on_dispute: bool = False) -> Independent:
    return Independent(one, 1, who, action, reason, WHEN, on_dispute)


@pytest.mark.filterwarnings("ignore")  # scikit-learn warns where kappa is not defined
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=60))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    found = agreement(pairs)
    wanted = float(cohen_kappa_score([one for one, _ in pairs], [other for _, other in pairs]))
    assert (found.number, found.same) == (len(pairs), sum(one == other for one, other in pairs))
    if isnan(wanted):
        assert found.kappa is None
    else:
        assert found.kappa is not None and found.low is not None and found.high is not None
        assert found.kappa == pytest.approx(wanted, abs=1e-9)
        assert -1 <= found.low <= found.kappa + 1e-9
        assert found.kappa - 1e-9 <= found.high <= 1


def test_the_interval_is_that_of_a_published_example() -> None:
    # Two readers of 50: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no. Kappa 0.4, standard error 0.1274.
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = agreement(pairs)
    assert found.kappa == pytest.approx(0.4)
    assert found.low is not None and found.high is not None
    assert (found.low + found.high) / 2 == pytest.approx(0.4)
    bootstrap = sorted(
        agreement(random.Random(seed).choices(pairs, k=len(pairs))).kappa or 0.0 for seed in range(2_000)
    )
    assert found.low == pytest.approx(bootstrap[50], abs=0.05) and found.high == pytest.approx(
        bootstrap[1_950], abs=0.05
    )


def test_nothing_in_common_is_no_agreement_and_one_answer_for_all_is_no_kappa() -> None:
    assert agreement([]).number == 0 and agreement([]).kappa is None
    always = agreement([("approve", "approve")] * 9)
    assert (always.number, always.same, always.kappa) == (9, 9, None)


def test_reviewers_are_paired_on_what_both_decided_and_who_settled_a_dispute_is_left_out() -> None:
    found = by_reviewers([
        decision("c1", "ron", "approve"), decision("c1", "ada", "approve"),
        decision("c2", "ada", "approve"), decision("c2", "ron", "reject", "Tone"),
        decision("c2", "rita", "reject", "Tone", on_dispute=True),
        decision("c3", "rita", "approve"), decision("c3", "ada", "approve"), decision("c4", "rita", "approve"),
    ])  # fmt: skip
    assert [(each.first, each.second, each.agreement.number, each.agreement.same) for each in found] == [
        ("ada", "ron", 2, 1), ("ada", "rita", 1, 1),
    ]  # fmt: skip


def test_reasons_count_where_somebody_gave_them() -> None:
    found = by_reasons([
        decision("c1", "ron", "reject", "Tone"), decision("c1", "ada", "reject", "Tone"),
        decision("c2", "ron", "reject", "Facts"), decision("c2", "ada", "reject", "Tone"),
        decision("c3", "ron", "approve"), decision("c3", "ada", "approve"),
    ])  # fmt: skip
    assert [(each.reason, each.either, each.both) for each in found] == [("Tone", 2, 1), ("Facts", 1, 0)]
    assert found[0].agreement.number == 3 and found[0].agreement.same == 2
